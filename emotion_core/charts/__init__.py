"""Inline SVG charts, written by hand.

matplotlib's SVG has fixed colours and no description of what it shows; Plotly, Vega and Bokeh need
scripts of megabytes. These take their colours from the page's style sheet (light, dark, print),
say in words what they show, are a few kilobytes each, and are the same bytes for the same facts.
"""
