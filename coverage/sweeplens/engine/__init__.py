"""Run the steps of a pipeline and report on them: serially, or in parts over processes."""
