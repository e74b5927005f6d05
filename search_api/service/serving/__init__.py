"""What stands between the routes and the engine: queues, decoding, deadlines, processes."""
