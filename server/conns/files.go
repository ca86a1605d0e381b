package conns

// spare is how many open files are left to the rest of the program: its
// databases, policies that are loaded, messages that are relayed, a backup.
const spare = 128

// Fit lowers the bounds of the public and the private listener until both full
// leave the program some of the files that it may have open: a listener that is
// below its bound takes another connection instead of closing an idle one, and
// with no descriptor for it nobody new is let in. files is the limit, 0 for none
// that is known. Neither bound becomes less than one.
func Fit(public, private, files int) (int, int) {
	room := files - min(spare, files/2)
	if files == 0 || public <= room && private <= room-public {
		return public, private
	}
	private = min(private, max(1, room/4))
	return min(public, max(1, room-private)), private
}
