"""One module for each command of `jaxgan`, with a function `run(argv) -> exit code`; imported when it is called."""
