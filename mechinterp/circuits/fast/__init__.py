"""Patching without redoing what a patch does not touch; see `suffix.FastSuffix`."""
