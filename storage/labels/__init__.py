"""Labels for files and boxes, as PDF."""
