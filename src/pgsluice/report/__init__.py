"""The voice: nouns in, text out. Findings, plans, events, activity and measurements, for people and for programs."""
