"""What each request waited: the recording, and what is measured from it."""
