// Certificates of clients (mutual TLS): which authority they must come from, whether everybody needs one, and the names
// in one, by which a key of the key file may be meant (access.h).
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace sotto {

// From now on handshakes of `context` ask for a certificate that `authorities`, a PEM file of one or more, signed.
// `required`: without one there is no handshake; else it may be left out, but not be wrong. Sessions are not resumed:
// who comes again shows it again. The error names the file.
Result<void> AskForCertificates(SSL_CTX* context, const std::string& authorities, bool required);

// Of the one that the other side showed and that was verified: the subject's common name, then the alternative names
// (DNS, URI, mail address), each once. Empty: it showed none.
std::vector<std::string> CertificateNames(const SSL* connection);

}  // namespace sotto
