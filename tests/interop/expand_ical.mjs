// Reads calendars as ical.js understands them, by their own VTIMEZONEs alone: it knows no zone of its own.
// Standard input: JSON {name: text of a calendar}. Standard output: JSON {name: {method, uid, sequence, spans, dropped}}.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

const END = ICAL.Time.fromData({ year: 2032, month: 1, day: 1 });

const instant = (time) => time.toUnixTime();

// What is said here alone, not what is repeated from the master.
const spanOf = (details) => [
  instant(details.startDate),
  instant(details.endDate),
  details.item.summary ?? "",
];

function spansOf(events) {
  const masters = events.filter((event) => !event.isRecurrenceException());
  const singles = events.filter((event) => event.isRecurrenceException());
  if (masters.length === 0) {
    return singles.map((event) => spanOf({ startDate: event.startDate, endDate: event.endDate, item: event }));
  }
  const [master] = masters;
  for (const single of singles) master.relateException(single);
  if (!master.isRecurring()) {
    return [spanOf({ startDate: master.startDate, endDate: master.endDate, item: master })];
  }
  const spans = [];
  const iterator = master.iterator();
  for (let time = iterator.next(); time && time.compare(END) < 0; time = iterator.next()) {
    spans.push(spanOf(master.getOccurrenceDetails(time)));
  }
  return spans;
}

function read(text) {
  ICAL.TimezoneService.reset();
  const calendar = new ICAL.Component(ICAL.parse(text));
  for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  const events = calendar.getAllSubcomponents("vevent").map((component) => new ICAL.Event(component));
  const floating = events.filter(
    (event) => event.startDate.zone === ICAL.Timezone.localTimezone || event.endDate.zone === ICAL.Timezone.localTimezone,
  );
  return {
    method: calendar.getFirstPropertyValue("method") ?? "",
    uid: [...new Set(events.map((event) => event.uid))].join(),
    sequence: [...new Set(events.map((event) => event.sequence))].join(),
    spans: spansOf(events),
    floating: floating.length,
  };
}

const calendars = JSON.parse(readFileSync(0, "utf8"));
const found = Object.fromEntries(Object.entries(calendars).map(([name, text]) => [name, read(text)]));
process.stdout.write(JSON.stringify(found));
