"""Networks in fewer bits: int8 calibrated on photos or half precision, and how near their masks stay."""
