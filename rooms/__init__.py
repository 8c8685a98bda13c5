"""What exists, booked or not: sites, rooms, equipment, opening hours and licences."""
