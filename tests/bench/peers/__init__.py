"""What the bench compares with: other libraries, and the official client."""
