"""The one door through which bookings are written: all or nothing, under locks taken in one order (`locks`)."""

from bookings.services.answers import GivenAnswer, record_answer, record_stranger
from bookings.services.approvals import (
    AlreadyDecided,
    Overdue,
    approve,
    approvers_of,
    decline,
    escalate_and_expire,
    withdraw,
)
from bookings.services.booking import book
from bookings.services.cancelling import MAX_REASON_LENGTH, cancel
from bookings.services.changing import change
from bookings.services.closures import Closed, ClosureDecision, change_closure, close, find_impact, lift
from bookings.services.conference_seats import follows_in, give_back_early_seats, hold_for_conference, longest_run
from bookings.services.conferences import record_ended, record_started
from bookings.services.delegating import MAX_CHAIN, delegate, is_used, take_back
from bookings.services.describing import MAX_HEADCOUNT, MAX_ROOM_LENGTH, describe_party
from bookings.services.devices import note_devices_tested
from bookings.services.drafts import DraftState, forget_drafts, hold_draft, release_draft
from bookings.services.ending import end_at
from bookings.services.errors import (
    AlreadyBooked,
    AlreadyOver,
    LedOutside,
    NotAllowed,
    Refused,
    constraint_of,
)
from bookings.services.form_templates import (
    MAX_TEMPLATES,
    TemplateRefused,
    delete_template,
    rename_template,
    restore_template,
    save_template,
)
from bookings.services.freeing import free_seats
from bookings.services.inviting import invite_again, refresh, revoke_join_link
from bookings.services.kept_forms import (
    KEPT_FOR,
    MAX_KEPT_FORMS,
    TAKEN_BACK_FOR,
    Turn,
    delete_form,
    empty_form,
    forget_kept_forms,
    keep_form,
    restore_form,
)
from bookings.services.leaving import leave_groups, leave_session
from bookings.services.licence_plans import LicenceDecision, LicencesChanged, change_licences, find_licence_impact
from bookings.services.licence_refusals import note_outcome, settle_refusals
from bookings.services.materials import (
    MaterialGone,
    MaterialRefused,
    add_file,
    add_note,
    change_note,
    largest_file,
    note_changed_at,
    remove_material,
)
from bookings.services.naming import NAMED_AN_HOUR, NamingRefused, Problem, Reason
from bookings.services.no_shows import note_no_shows
from bookings.services.old_marks import MARKS_KEPT_FOR, merge_old_marks
from bookings.services.outside import invite as invite_rooms
from bookings.services.outside import keep_sent
from bookings.services.outside_facts import (
    DateVerdict,
    Invitation,
    OtherDate,
    Refusal,
    RoomVerdict,
    UidTaken,
    Verdicts,
    Version,
    Withdrawal,
)
from bookings.services.outside_leaving import refuse as refuse_rooms
from bookings.services.outside_leaving import withdraw as withdraw_rooms
from bookings.services.outside_news import answers_due
from bookings.services.proposable import can_be_at, find_proposable
from bookings.services.proposals import accept_proposal, decline_proposal, find_obstacles, record_proposal
from bookings.services.readdressing import (
    AddressOfAccount,
    AddressTaken,
    check_own_address,
    correct_address,
    correct_own_address,
)
from bookings.services.reclaiming import close_new_rooms, reclaim
from bookings.services.registering import MAX_REGISTERED, register
from bookings.services.releases import on_freed
from bookings.services.settling import settle_answer
from bookings.services.undo_window import CLOSE
from bookings.services.undoing import UndoTooLate, is_undoable, may_undo, undo
from bookings.services.unplanned import close_unplanned, open_unplanned
from bookings.services.waiting import OfferLapsed, accept, join_waitlist, lapse_offers, leave, promote
from bookings.services.zones import ZoneOfAccount, choose_zone

# Whoever waits books as everybody does, so the waiting list stands above what frees something.
# What is closed is offered to nobody: closures take theirs first.
on_freed(reclaim)
on_freed(promote)

__all__ = [
    "CLOSE",
    "KEPT_FOR",
    "MARKS_KEPT_FOR",
    "MAX_CHAIN",
    "MAX_HEADCOUNT",
    "MAX_KEPT_FORMS",
    "MAX_REASON_LENGTH",
    "MAX_REGISTERED",
    "MAX_ROOM_LENGTH",
    "MAX_TEMPLATES",
    "NAMED_AN_HOUR",
    "TAKEN_BACK_FOR",
    "AddressOfAccount",
    "AddressTaken",
    "AlreadyBooked",
    "AlreadyDecided",
    "AlreadyOver",
    "Closed",
    "ClosureDecision",
    "DateVerdict",
    "DraftState",
    "GivenAnswer",
    "Invitation",
    "LedOutside",
    "LicenceDecision",
    "LicencesChanged",
    "MaterialGone",
    "MaterialRefused",
    "NamingRefused",
    "NotAllowed",
    "OfferLapsed",
    "OtherDate",
    "Overdue",
    "Problem",
    "Reason",
    "Refusal",
    "Refused",
    "RoomVerdict",
    "TemplateRefused",
    "Turn",
    "UidTaken",
    "UndoTooLate",
    "Verdicts",
    "Version",
    "Withdrawal",
    "ZoneOfAccount",
    "accept",
    "accept_proposal",
    "add_file",
    "add_note",
    "answers_due",
    "approve",
    "approvers_of",
    "book",
    "can_be_at",
    "cancel",
    "change",
    "change_closure",
    "change_licences",
    "change_note",
    "check_own_address",
    "choose_zone",
    "close",
    "close_new_rooms",
    "close_unplanned",
    "constraint_of",
    "correct_address",
    "correct_own_address",
    "decline",
    "decline_proposal",
    "delegate",
    "delete_form",
    "delete_template",
    "describe_party",
    "empty_form",
    "end_at",
    "escalate_and_expire",
    "find_impact",
    "find_licence_impact",
    "find_obstacles",
    "find_proposable",
    "follows_in",
    "forget_drafts",
    "forget_kept_forms",
    "free_seats",
    "give_back_early_seats",
    "hold_draft",
    "hold_for_conference",
    "invite_again",
    "invite_rooms",
    "is_undoable",
    "is_used",
    "join_waitlist",
    "keep_form",
    "keep_sent",
    "lapse_offers",
    "largest_file",
    "leave",
    "leave_groups",
    "leave_session",
    "lift",
    "longest_run",
    "may_undo",
    "merge_old_marks",
    "note_changed_at",
    "note_devices_tested",
    "note_no_shows",
    "note_outcome",
    "open_unplanned",
    "record_answer",
    "record_ended",
    "record_proposal",
    "record_started",
    "record_stranger",
    "refresh",
    "refuse_rooms",
    "register",
    "release_draft",
    "remove_material",
    "rename_template",
    "restore_form",
    "restore_template",
    "revoke_join_link",
    "save_template",
    "settle_answer",
    "settle_refusals",
    "take_back",
    "undo",
    "withdraw",
    "withdraw_rooms",
]
