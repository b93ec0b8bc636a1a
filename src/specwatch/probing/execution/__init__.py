"""What the executor of workflows is made of."""
