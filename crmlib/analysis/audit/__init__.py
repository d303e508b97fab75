"""The customer-base audit: one base of customer days, five lenses and the product lens on it.

Source: P. S. Fader, B. G. S. Hardie and M. Ross, "The Customer-Base Audit", Wharton School
Press, 2022. Each lens has a module; `customer_days` lays the ground that all of them stand on, so that
they add up to the same ledger.
"""
