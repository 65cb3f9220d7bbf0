"""What is measured about an account: families of pure functions of its rows and the map."""
