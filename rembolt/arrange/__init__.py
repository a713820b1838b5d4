"""From a cut-out to a finished picture: size and place of the subject, shadow, background."""
