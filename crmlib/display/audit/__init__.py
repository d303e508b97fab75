"""Words and tables of the customer-base audit: frames of numbers in, what people read out."""
