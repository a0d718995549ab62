"""Pictures as drawings of a few colours: SVG."""
