"""Settled payments, VAT numbers and receipts."""
