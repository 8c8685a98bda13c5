-- Years of sessions for an office of 100 rooms, written set by set. Needs the tables that benchmarks/office.py makes:
-- bench_plan (one row), bench_day, bench_room, bench_user, bench_contact. Everything is computed from keys, nothing is
-- random: the same plan makes the same rows.

-- A day as rooms have it: four patterns of sessions of half an hour to three hours, back to back or with breaks.
CREATE UNLOGGED TABLE bench_slot (pattern int, starts time, ends time);
INSERT INTO bench_slot VALUES
    (0, '08:00', '09:00'), (0, '09:00', '10:30'), (0, '10:30', '11:00'), (0, '11:30', '13:00'), (0, '13:00', '14:00'),
    (0, '14:00', '16:00'), (0, '16:00', '17:00'),
    (1, '08:00', '08:45'), (1, '09:00', '10:00'), (1, '10:00', '12:00'), (1, '12:00', '12:30'), (1, '13:00', '14:30'),
    (1, '15:00', '15:30'), (1, '15:30', '17:30'),
    (2, '08:30', '10:00'), (2, '10:00', '10:30'), (2, '10:30', '11:30'), (2, '11:30', '13:00'), (2, '13:30', '16:30'),
    (2, '16:30', '17:30'),
    (3, '07:30', '08:30'), (3, '08:30', '09:15'), (3, '09:30', '11:00'), (3, '11:00', '12:00'), (3, '12:00', '13:00'),
    (3, '13:00', '14:00'), (3, '14:00', '15:00'), (3, '15:00', '16:00');

-- Rooms stand in rows of three, one of each site, that share a pattern each day: three sessions, or one of two rooms
-- and one of a single room, or one of all three.
CREATE UNLOGGED TABLE bench_part (layout int, part int, places int[]);
INSERT INTO bench_part VALUES
    (0, 1, '{0}'), (0, 2, '{1}'), (0, 3, '{2}'), (1, 1, '{0,1}'), (1, 2, '{2}'), (2, 1, '{0,1,2}');

-- Every fourth row of rooms has set-up and clearing, so its sessions end a quarter of an hour earlier.
-- Of a hundred sessions 82 are held, 6 were cancelled, 12 never were: the gaps that benchmarks book. Every eighth row is
-- left alone from 12 to 13 o'clock on all days: there series are booked, while the rest of the office is busy.
CREATE UNLOGGED TABLE bench_meeting AS
WITH grid AS (
    SELECT day.rank, day.day, day.is_past, room_row.row_no, slot.starts,
        (day.day + slot.starts) AS local_start,
        (day.day + slot.ends) - CASE WHEN room_row.row_no % 4 = 0 THEN interval '15 min' ELSE interval '0' END
            AS local_end,
        hashtext(day.day || '/' || room_row.row_no || '/' || slot.starts) & 2147483647 AS chance
    FROM bench_day day
    CROSS JOIN (SELECT DISTINCT row_no FROM bench_room) AS room_row
    JOIN bench_slot slot
        ON slot.pattern = (hashtext(day.day || '/' || room_row.row_no) & 2147483647) % 4
    WHERE room_row.row_no % 8 <> 1 OR slot.ends <= '12:00' OR slot.starts >= '13:00'
), parts AS (
    SELECT grid.*, part.part, members.room_ids, members.site_id,
        hashtext(grid.chance || '/' || part.part) & 2147483647 AS luck
    FROM grid
    JOIN bench_part part
        ON part.layout = CASE WHEN grid.chance % 20 < 15 THEN 0 WHEN grid.chance % 20 < 19 THEN 1 ELSE 2 END
    CROSS JOIN LATERAL (
        SELECT array_agg(room_id ORDER BY place) AS room_ids, (array_agg(site_id ORDER BY place))[1] AS site_id
        FROM bench_room WHERE bench_room.row_no = grid.row_no AND place = ANY (part.places)
    ) AS members
    WHERE members.room_ids IS NOT NULL
), sorted AS (
    SELECT *, luck % 100 < 82 AS is_held, luck % 100 BETWEEN 82 AND 87 AS is_cancelled,
        sum(CASE WHEN luck % 100 < 82 THEN cardinality(room_ids) ELSE 0 END)
            OVER (ORDER BY rank, starts, row_no, part) AS holds_so_far
    FROM parts
)
SELECT row_number() OVER (ORDER BY local_start, row_no, part) AS id, is_past, is_held, is_cancelled, room_ids, site_id,
    local_start, local_end,
    local_start AT TIME ZONE 'Europe/Warsaw' AS starts_at, local_end AT TIME ZONE 'Europe/Warsaw' AS ends_at,
    (local_start - interval '9 days') AT TIME ZONE 'Europe/Warsaw' AS booked_at,
    luck % (SELECT count(*) FROM bench_user) AS organizer,
    -- Two to five people; one session in fifty is one of the sixteen voivodeship offices.
    CASE WHEN luck % 50 = 0 THEN 17 ELSE 2 + luck / 100 % 4 END AS people
FROM sorted, bench_plan WHERE holds_so_far <= bench_plan.holds;

CREATE TABLE bench_gap AS
SELECT unnest(room_ids) AS room_id, local_start, local_end, starts_at, ends_at
FROM bench_meeting WHERE NOT is_held AND NOT is_past;

DELETE FROM bench_meeting WHERE NOT is_held AND NOT is_cancelled;
ALTER TABLE bench_meeting ADD PRIMARY KEY (id);
ANALYZE bench_meeting;

INSERT INTO bookings_booking (
    id, number, uid, sequence, version, stamped_at, conference_name, title, description, organizer_id, created_by_id,
    host_site_id, time_zone, rrule, local_start, local_end, skipped, wishes, is_private, status, thread, created_at,
    changed_at, cancelled_at, cancel_reason
)
SELECT m.id, 'N-' || to_char(m.booked_at, 'YYYY') || '-' || lpad(m.id::text, greatest(5, length(m.id::text)), '0'),
    md5('uid' || m.id) || '@localhost', is_cancelled::int, 1 + is_cancelled::int, m.booked_at,
    substr(md5('conference' || m.id), 1, 20),
    (ARRAY['Przesłuchanie, sprawa ', 'Konsultacje, sprawa ', 'Narada zespołu ', 'Szkolenie, grupa '])[1 + m.id % 4]
        || m.id,
    CASE WHEN m.id % 3 = 0 THEN 'Proszę przygotować akta i obecność tłumacza.' ELSE '' END,
    person.user_id, person.user_id, m.site_id, 'Europe/Warsaw', '', to_char(m.local_start, 'YYYY-MM-DD"T"HH24:MI'),
    to_char(m.local_end, 'YYYY-MM-DD"T"HH24:MI'), '[]'::jsonb, '{}'::jsonb, m.id % 11 = 0,
    CASE WHEN is_cancelled THEN 'cancelled' ELSE 'confirmed' END,
    CASE WHEN cardinality(m.room_ids) > 1 THEN 1 + m.id % 6 END,
    m.booked_at, m.booked_at, CASE WHEN is_cancelled THEN m.booked_at END,
    CASE WHEN is_cancelled THEN 'Strona nie może przyjechać' ELSE '' END
FROM bench_meeting m JOIN bench_user person ON person.n = m.organizer
ORDER BY m.booked_at, m.id;

INSERT INTO bookings_occurrence (
    id, booking_id, original_start_at, starts_at, ends_at, local_start, local_end, status, has_own_time, has_own_rooms,
    own_title, own_description
)
SELECT id, id, starts_at, starts_at, ends_at, to_char(local_start, 'YYYY-MM-DD"T"HH24:MI'),
    to_char(local_end, 'YYYY-MM-DD"T"HH24:MI'), CASE WHEN is_cancelled THEN 'cancelled' ELSE 'confirmed' END, false,
    false, '', ''
FROM bench_meeting ORDER BY booked_at, id;

INSERT INTO bookings_roomhold (occurrence_id, room_id, position, period, live)
SELECT m.id, room.room_id, held.place - 1,
    tstzrange(m.starts_at - room.setup, m.ends_at + room.clearing), NOT m.is_cancelled
FROM bench_meeting m
CROSS JOIN LATERAL unnest(m.room_ids) WITH ORDINALITY AS held (room_id, place)
JOIN bench_room room ON room.room_id = held.room_id
ORDER BY m.booked_at, m.id, held.place;

INSERT INTO bookings_licencehold (occurrence_id, pool_id, site_id, seats, period, live)
SELECT m.id, bench_plan.pool_id, m.site_id, 1, tstzrange(m.starts_at, m.ends_at), NOT m.is_cancelled
FROM bench_meeting m, bench_plan ORDER BY m.booked_at, m.id;

INSERT INTO bookings_attendee (
    booking_id, user_id, contact_id, email, name, language, time_zone, is_organizer, partstat, join_key, invited_at
)
SELECT m.id, staff.user_id, guest.contact_id, coalesce(staff.email, guest.email), coalesce(staff.name, guest.name),
    coalesce(guest.language, 'pl'), 'Europe/Warsaw', j = 0,
    CASE WHEN j = 0 OR (m.id + j) % 3 > 0 THEN 'ACCEPTED' ELSE 'NEEDS-ACTION' END,
    substr(md5(m.id || 'join' || j), 1, 12), m.booked_at
FROM bench_meeting m
CROSS JOIN LATERAL generate_series(0, m.people - 1) AS j
LEFT JOIN bench_user staff
    ON j % 2 = 0 AND staff.n = (m.organizer + j) % (SELECT count(*) FROM bench_user)
LEFT JOIN bench_contact guest
    ON j % 2 = 1 AND guest.n = (m.id + j) % (SELECT count(*) FROM bench_contact)
ORDER BY m.booked_at, m.id, j;

INSERT INTO bookings_bookingevent (booking_id, occurrence_id, kind, actor_id, at, version, sequence, data)
SELECT m.id, m.id, 'booked', person.user_id, m.booked_at, 1, 0, '{}'::jsonb
FROM bench_meeting m JOIN bench_user person ON person.n = m.organizer ORDER BY m.booked_at, m.id;
INSERT INTO bookings_bookingevent (booking_id, occurrence_id, kind, actor_id, at, version, sequence, data)
SELECT m.id, NULL, 'cancelled', person.user_id, m.booked_at, 2, 1, '{"reason": "Strona nie może przyjechać"}'::jsonb
FROM bench_meeting m JOIN bench_user person ON person.n = m.organizer WHERE m.is_cancelled
ORDER BY m.booked_at, m.id;

-- Sent mails: an invitation for everybody, a cancellation where there was one, and of past sessions two reminders.
-- The stored bytes are a stand-in of 200: PostgreSQL keeps real ones (about 15 kB) outside the row as well.
INSERT INTO notifications_message (
    kind, state, booking_id, attendee_id, recipient, version, sequence, due_at, give_up_at, attempts, may_have_arrived,
    message_id, subject, raw, last_error, created_at, sent_at
)
SELECT kind.name, 'sent', m.id, attendee.id, attendee.email, kind.version, kind.version - 1, m.booked_at,
    m.booked_at + interval '2 days', 1, true, '<' || m.id || '.' || attendee.id || '@localhost>', 'Zaproszenie',
    convert_to(repeat('x', 200), 'UTF8'), '', m.booked_at, m.booked_at
FROM bench_meeting m
JOIN bookings_attendee attendee ON attendee.booking_id = m.id
JOIN (VALUES ('invitation', 1), ('cancellation', 2)) AS kind (name, version) ON kind.version = 1 OR m.is_cancelled
ORDER BY m.booked_at, m.id;
INSERT INTO notifications_message (
    kind, state, booking_id, attendee_id, recipient, occurrence_id, starts_at, lead, due_at, give_up_at, attempts,
    may_have_arrived, message_id, subject, raw, last_error, created_at, sent_at
)
SELECT 'reminder', 'sent', m.id, attendee.id, attendee.email, m.id, m.starts_at, leads.lead, m.starts_at - leads.lead,
    m.starts_at, 1, true, '<' || m.id || '.' || attendee.id || '.r@localhost>', 'Przypomnienie',
    convert_to(repeat('x', 200), 'UTF8'), '', m.starts_at - leads.lead, m.starts_at - leads.lead
FROM bench_meeting m
JOIN bookings_attendee attendee ON attendee.booking_id = m.id
CROSS JOIN (VALUES (interval '24 h'), (interval '15 min')) AS leads (lead)
WHERE m.is_past AND NOT m.is_cancelled
ORDER BY m.starts_at, m.id;

-- Keys given above are taken.
SELECT setval(pg_get_serial_sequence('bookings_booking', 'id'), max(id)),
    setval(pg_get_serial_sequence('bookings_occurrence', 'id'), max(id)),
    setval('booking_number', max(id))
FROM bench_meeting;

DROP TABLE bench_meeting, bench_slot, bench_part, bench_day, bench_room, bench_user, bench_contact;
