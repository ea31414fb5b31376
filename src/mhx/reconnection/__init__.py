"""reconnection"""
