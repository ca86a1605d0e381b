package journal

// Status is what a journal says of itself.
type Status struct {
	Durable uint64 // the last sequence number on disk
	Records uint64 // on disk and not deleted
	Queue   int    // waiting for the disk
	Unsaved uint64 // hasty records that were not taken, or wait while the disk fails
	Failing error  // why the disk does not take records; nil while it does
}

// Status tells of this moment.
func (j *Journal) Status() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := Status{Durable: j.durable, Records: j.durable - j.gone, Queue: len(j.queue), Unsaved: j.lost, Failing: j.failing}
	if j.failing != nil {
		for _, it := range j.queue {
			if it.hasty {
				out.Unsaved++
			}
		}
	}
	return out
}
