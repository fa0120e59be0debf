"""Tell other systems of cases, measures and billing: events kept with what they tell of, sent signed and again."""
