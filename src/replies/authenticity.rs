//! Whether a mail comes from where it says, as our own mail host found.
//!
//! What: [`authenticated_domains`], from `Authentication-Results` of one configured host to the domains that it vouches for.
//! Standard: RFC 8601 (the field in sections 2.2 to 2.7, whom to believe in sections 1.6 and 5). Not here: verifying signatures
//! (that needs the name service), what it is good for (`binding`). Called by: `command::replies`. Can fail: nothing; a field
//! that is not understood vouches for nobody.
//!
//! Anybody can write this field into a mail. Ours is above the first `Received` that a message got from outside, and only
//! local delivery (LMTP, which outsiders cannot speak to us) may have added `Received` fields above it. Hosts that write it
//! below their own `Received`, as Google's do, are not believed: what nobody can tell from a forgery proves nothing.

use super::head::{Head, unfolded};

/// Fields looked at.
const MOST: usize = 200;

/// The domains for which the host `authserv_id` found DMARC or DKIM to pass, in lower case.
pub fn authenticated_domains(octets: &[u8], authserv_id: &str) -> Vec<String> {
    let head = Head::parse(octets);
    let mut domains = Vec::new();
    for (name, value) in head.fields().take(MOST) {
        if name.eq_ignore_ascii_case("Received") {
            if !is_local_delivery(&unfolded(value)) {
                break;
            }
        } else if name.eq_ignore_ascii_case("Authentication-Results") {
            vouched(&unfolded(value), authserv_id, &mut domains);
        }
    }
    domains
}

/// `with LMTP`, with its variants for TLS and login (RFC 3848).
fn is_local_delivery(received: &str) -> bool {
    let bare = without_comments(received);
    let mut words = bare.split_ascii_whitespace();
    words.by_ref().any(|word| word.eq_ignore_ascii_case("with"))
        && words.next().is_some_and(|word| {
            ["LMTP", "LMTPA", "LMTPS", "LMTPSA"].iter().any(|p| word.trim_end_matches(';').eq_ignore_ascii_case(p))
        })
}

fn vouched(value: &str, authserv_id: &str, domains: &mut Vec<String>) {
    let bare = without_comments(value);
    let mut results = bare.split(';');
    let id = results.next().and_then(|id| id.split_ascii_whitespace().next()).unwrap_or_default();
    if authserv_id.is_empty() || !id.eq_ignore_ascii_case(authserv_id) {
        return;
    }
    for result in results {
        let mut words = result.split_ascii_whitespace();
        let Some((method, verdict)) = words.next().and_then(|word| word.split_once('=')) else { continue };
        // `dmarc/1=pass` names a version of the method.
        let method = method.split('/').next().unwrap_or_default();
        if !verdict.eq_ignore_ascii_case("pass") {
            continue;
        }
        let property = match method.to_ascii_lowercase().as_str() {
            "dmarc" => "header.from",
            "dkim" => "header.d",
            _ => continue,
        };
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            let domain = value.trim_matches('"').trim_end_matches('.').to_lowercase();
            let domain = domain.rsplit('@').next().unwrap_or_default();
            if name.eq_ignore_ascii_case(property) && domain.contains('.') && !domains.iter().any(|d| d == domain) {
                domains.push(domain.to_owned());
            }
        }
    }
}

/// RFC 5322 comments left out; within quoted strings `(` and `;` are neither comments nor ends.
fn without_comments(value: &str) -> String {
    let (mut bare, mut depth, mut is_quoted) = (String::with_capacity(value.len()), 0_usize, false);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' if depth == 0 => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted && depth > 0 => depth -= 1,
            // A quoted string may hold anything; what it holds is no result.
            ';' | '=' if is_quoted => bare.push('_'),
            c if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::authenticated_domains;

    fn domains(head: &str) -> Vec<String> {
        authenticated_domains(format!("{head}From: a@mission.example\r\n\r\n").as_bytes(), "mx.host.example")
    }

    #[test]
    fn our_own_host_is_believed() {
        let own = "Received: from mx by store (Dovecot) with LMTP id 1; now\r\nAuthentication-Results: mx.host.example 1;\r\n \
                   spf=pass smtp.mailfrom=x.example;\r\n dkim=pass (2048-bit; key) header.d=Mission.example header.i=@y.example;\r\n \
                   dmarc=pass reason=\"a; dkim=pass header.d=z.example\" header.from=mission.example\r\n\
                   Received: from out by mx with ESMTPS\r\n";
        assert_eq!(domains(own), ["mission.example"]);
    }

    #[test]
    fn what_came_in_with_the_mail_is_not_believed() {
        let inside = "Received: from out by mx.host.example with ESMTPS\r\n\
                      Authentication-Results: mx.host.example; dmarc=pass header.from=mission.example\r\n";
        assert_eq!(domains(inside), Vec::<String>::new(), "below the border");
        for other in [
            "Authentication-Results: mx.other.example; dmarc=pass header.from=mission.example\r\n",
            "Authentication-Results: mx.host.example; dmarc=fail header.from=mission.example\r\n",
            "Authentication-Results: mx.host.example; (dmarc=pass header.from=mission.example) none\r\n",
            "Authentication-Results: mx.host.example; spf=pass smtp.mailfrom=mission.example\r\n",
            "Received: from x (with LMTP id) by y with ESMTP\r\nAuthentication-Results: mx.host.example; dmarc=pass \
             header.from=mission.example\r\n",
            "Authentication-Results: ; dmarc=pass header.from=mission.example\r\n",
            "Authentication-Results\r\n",
        ] {
            assert_eq!(domains(other), Vec::<String>::new(), "{other}");
        }
        let none = "Authentication-Results: mx.host.example; dmarc=pass header.from=mission.example\r\n\r\n";
        assert_eq!(authenticated_domains(none.as_bytes(), ""), Vec::<String>::new(), "nobody is configured");
    }
}
