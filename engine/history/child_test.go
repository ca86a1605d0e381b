package history_test

func runChild() bool { return false }
