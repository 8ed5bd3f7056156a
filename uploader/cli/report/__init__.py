"""A report for programs (`document`), for a pull request (`markdown`) and for a browser (`page`)."""
