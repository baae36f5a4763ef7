"""What running releases rely on."""
