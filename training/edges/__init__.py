"""How the refiner of edges is made: it learns from composites, whose alpha is known exactly."""
