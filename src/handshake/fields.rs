//! Header fields and the grammars of their values, each in one linear pass.

use core::fmt;

/// The header fields of a request or response, in order, as names and values.
///
/// A value is bytes without white space around it; names are compared without
/// regard to case. Iterating reads the head again, which costs nothing until
/// it is done.
#[derive(Clone)]
pub struct Fields<'h> {
    lines: &'h [u8],
}

impl<'h> Fields<'h> {
    /// The fields in `lines`, each of which ends with CR LF.
    pub(super) const fn new(lines: &'h [u8]) -> Self {
        Self { lines }
    }

    /// The values of all fields of this name, which may be in any case.
    ///
    /// ```
    /// use sansws::handshake::Request;
    ///
    /// let fields = [("X-Forwarded-For", "10.0.0.1"), ("x-forwarded-for", "10.0.0.2")];
    /// let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    /// let request = Request::from_fields("GET", "/", fields)?;
    /// assert_eq!(request.headers().values_of("X-Forwarded-For").count(), 2);
    /// # Ok::<_, sansws::handshake::HandshakeError>(())
    /// ```
    pub fn values_of<'n>(self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        self.filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl<'h> Iterator for Fields<'h> {
    type Item = (&'h str, &'h [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let end = self.lines.iter().position(|&byte| byte == b'\n')?;
            let (line, rest) = self.lines.split_at(end + 1);
            self.lines = rest;
            // The end of the head, an empty line, has no colon.
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let Ok(name) = core::str::from_utf8(&line[..colon]) else { continue };
            return Some((name, line[colon + 1..].trim_ascii()));
        }
    }
}

/// Names only, since values may be secrets.
impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone().map(|(name, _)| name)).finish()
    }
}

/// RFC 9110, 5.6.2
pub(super) const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_'
        | b'`' | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// What may stand in a value and on one line (RFC 9110, 5.5).
pub(super) fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7F))
}

/// The elements of a comma-separated list (RFC 9110, 5.6.1); empty ones, which
/// a recipient must take, are left out.
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Whether these bytes are `word`, which is made of small letters and hyphens, without
/// regard to case. (They have no carriage return, which would pass for a hyphen.)
#[inline]
pub(super) fn is_word(bytes: &[u8], word: &str) -> bool {
    let differences = bytes.iter().zip(word.bytes()).map(|(byte, small)| (byte | 0x20) ^ small);
    bytes.len() == word.len() && differences.fold(0, |all, difference| all | difference) == 0
}

/// Whether a list names `token`, as [`is_word`] says.
pub(super) fn list_has(value: &[u8], token: &str) -> bool {
    // Most have only this element.
    is_word(value, token) || list(value).any(|element| is_word(element, token))
}

/// The value is not of its grammar.
#[derive(Debug)]
pub(super) struct Malformed;

/// An element of `Sec-WebSocket-Extensions` (RFC 6455, 9.1): a name and its
/// parameters.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'h> {
    name: &'h str,
    parameters: &'h str,
}

impl<'h> Extension<'h> {
    /// The extension's name, such as `permessage-deflate`.
    #[must_use]
    pub const fn name(&self) -> &'h str {
        self.name
    }

    /// The parameters in order, each a name and perhaps a value. Quotes around
    /// a value are taken off.
    pub fn parameters(&self) -> impl Iterator<Item = (&'h str, Option<&'h str>)> + use<'h> {
        // The grammar was checked: a value is a token, so it has no `;` in it.
        self.parameters.split(';').skip(1).map(|parameter| match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (parameter.trim(), None),
        })
    }
}

/// The elements of `Sec-WebSocket-Extensions`, at least one (9.1). The last is
/// an error if the value is malformed.
pub(super) fn extensions(
    mut value: &[u8],
) -> impl Iterator<Item = Result<Extension<'_>, Malformed>> {
    let mut is_first = true;
    core::iter::from_fn(move || {
        // Empty elements of a list are left out, as in `list`.
        while let [b' ' | b'\t' | b',', rest @ ..] = value {
            value = rest;
        }
        if value.is_empty() {
            return core::mem::take(&mut is_first).then_some(Err(Malformed));
        }
        is_first = false;
        let next = extension(&mut value);
        if next.is_err() {
            value = &[];
        }
        Some(next)
    })
}

/// `extension-token *( ";" extension-param )`, up to a comma or the end.
///
/// A quoted value must be a token once it is unquoted (9.1). A backslash in one
/// can only stand for a character that needs none, and is refused: no
/// implementation writes it, and so values can be lent as they are.
fn extension<'h>(value: &mut &'h [u8]) -> Result<Extension<'h>, Malformed> {
    let name = token(value)?;
    let parameters = *value;
    loop {
        skip_space(value);
        match **value {
            [b';', ref rest @ ..] => *value = rest,
            [] | [b',', ..] => break,
            _ => return Err(Malformed),
        }
        skip_space(value);
        token(value)?;
        skip_space(value);
        if let [b'=', rest @ ..] = value {
            *value = rest;
            skip_space(value);
            if let [b'"', rest @ ..] = value {
                *value = rest;
                token(value)?;
                *value = value.strip_prefix(b"\"").ok_or(Malformed)?;
            } else {
                token(value)?;
            }
        }
    }
    let parameters = &parameters[..parameters.len() - value.len()];
    let parameters = core::str::from_utf8(parameters).map_err(|_| Malformed)?;
    Ok(Extension { name, parameters })
}

fn token<'h>(value: &mut &'h [u8]) -> Result<&'h str, Malformed> {
    let end = value.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(value.len());
    let (token, rest) = value.split_at(end);
    *value = rest;
    if token.is_empty() {
        return Err(Malformed);
    }
    core::str::from_utf8(token).map_err(|_| Malformed)
}

fn skip_space(value: &mut &[u8]) {
    *value = value.trim_ascii_start();
}
