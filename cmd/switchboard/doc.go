// Switchboard routes masked calls by Rego policies.
//
//	switchboard serve                 answer the provider's webhooks
//	switchboard check [DIR]           would this folder go live?
//	switchboard test [DIR]            run the folder's own tests
//	switchboard route --caller N --did N
//	switchboard replay                recorded calls against another set
//	switchboard calls list|show|export|import|forget
//	switchboard sessions list|put|delete
//	switchboard facts list|put|delete what the policies know right now
//	switchboard relay status|list|retry|delete|secret
//	switchboard policies init [DIR]   write the starter set out for editing
//	switchboard db backup|restore|compact|verify|rebuild|confirm-clock
//	switchboard version
//
// Exit codes: 0 good, 1 wrong usage or a failed command, 3 policies that do not
// load, 4 policies whose tests fail, 5 an answer that is not the wanted one, 6 a
// replay that meets a condition of --fail-on.
package main
