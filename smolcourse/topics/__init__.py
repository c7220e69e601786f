"""Helpers of one lesson each; what every notebook uses lies one folder up."""
