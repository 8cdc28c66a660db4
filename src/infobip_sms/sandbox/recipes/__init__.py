"""Files to copy: an image, a compose example, services of CI systems, a fixture for Django."""
