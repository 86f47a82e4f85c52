"""What happens at a station: authorization, charging, meter values."""
