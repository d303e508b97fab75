"""Analysis: checked tables in, frames of numbers out. Nothing here reads files, prints or plots."""
