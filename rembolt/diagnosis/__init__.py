"""What is installed on this machine, what really runs, and what to do about the rest."""
