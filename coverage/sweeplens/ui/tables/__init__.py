"""Tables: facts to data frames, numbers as people read them, levels with their colour."""
