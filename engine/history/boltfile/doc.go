// Package boltfile opens, makes, names and copies bbolt files so that a damaged
// one, a full disk or a crash at any moment costs nothing but what it must.
//
//   - A file that is in use, corrupt, or refused by the operating system are three
//     kinds of error; bbolt's panics over a corrupt page are errors as well ([Guard]).
//   - Files hold people's numbers: nobody but their owner may read them.
//   - A new file has its name when it is whole, and durably so ([Create], [Publish]).
//   - [Ahead] keeps room behind a file, so that a sync need not wait for the file
//     system's journal.
//
// What lies in the files is their users' affair.
package boltfile
