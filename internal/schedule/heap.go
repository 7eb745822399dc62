package schedule

// node holds the time beside the entry, so that sifting touches no entry.
type node struct {
	at int64
	e  *entry
}

// heap is a binary heap by time. Entries do not know their place in it: to move
// one is rare and may look for it, to push and pop one is not and stays cheap.
type heap []node

func (h *heap) push(e *entry) {
	*h = append(*h, node{e.at, e})
	h.up(len(*h) - 1)
}

func (h *heap) pop() *entry {
	old := *h
	e, last := old[0].e, len(old)-1
	old[0] = old[last]
	old[last] = node{}
	*h = old[:last]
	h.down(0)
	return e
}

// move puts e, which is in the heap, where its time belongs.
func (h *heap) move(e *entry) {
	for i := range *h {
		if (*h)[i].e == e {
			(*h)[i].at = e.at
			h.up(i)
			h.down(i)
			return
		}
	}
}

// init makes a heap of whatever order there is.
func (h *heap) init() {
	for i := len(*h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *heap) up(i int) {
	a := *h
	for n := a[i]; i > 0; {
		p := (i - 1) / 2
		if a[p].at <= n.at {
			break
		}
		a[i], a[p] = a[p], n
		i = p
	}
}

func (h *heap) down(i int) {
	a := *h
	for {
		c := 2*i + 1
		if c >= len(a) {
			return
		}
		if c+1 < len(a) && a[c+1].at < a[c].at {
			c++
		}
		if a[i].at <= a[c].at {
			return
		}
		a[i], a[c] = a[c], a[i]
		i = c
	}
}
