// Package hangup ends running calls through the provider's hangup API
// (docs.alohaa.ai, "Call hangup API for number masking"): POST
// {base}/v1/external/call/hangup with the header x-metro-api-key and the
// provider's own call_id. The documentation's copies differ in the base address,
// so it is a setting; its error codes become sentences that say what to do.
package hangup
