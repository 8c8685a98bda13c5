"""Dates, refusals and their ways out in words, in the active language."""

from bookings.wording.dates import (
    clock,
    day_and_month,
    day_month_year,
    days_range,
    interval_range,
    long_date,
    moment_in_words,
    short_date,
    time_range,
    whole_minute,
    zone_label,
)
from bookings.wording.licences import seat_holders, without_holders
from bookings.wording.refusals import fix_text, refusal_text, refusal_title

__all__ = [
    "clock",
    "day_and_month",
    "day_month_year",
    "days_range",
    "fix_text",
    "interval_range",
    "long_date",
    "moment_in_words",
    "refusal_text",
    "refusal_title",
    "seat_holders",
    "short_date",
    "time_range",
    "whole_minute",
    "without_holders",
    "zone_label",
]
