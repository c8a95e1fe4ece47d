"""The Gradio page. Gets its objects passed in; imports no stage."""
