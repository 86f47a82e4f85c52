"""Serializers of certificates, CAs and roots."""
