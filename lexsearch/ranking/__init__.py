"""Pure ranking functions over arrays."""
