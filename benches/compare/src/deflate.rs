//! permessage-deflate: JSON compressed and inflated.

use sansws::{Connection, DeflateConfig, Event, KeepContext, MessageKind};

use crate::contenders::{sansws as ours, yawc};
use crate::json;
use crate::measure::{Contender, Figure, measure};
use crate::report::{Case, Report};
use crate::work::Work;

/// What two settings may differ by and still count as compressing alike.
const ALIKE: f64 = 0.03;

/// Whichever library flate2 was built with, which is one for all in a program.
const FLATE2: &str = if cfg!(feature = "c-zlib") { "C zlib" } else { "zlib-rs" };

pub fn run(report: &mut Report) {
    // More than a window of messages, so that none finds itself in it.
    for (size, count) in [(1024, 128), (64 << 10, 8)] {
        let work = Work::new(MessageKind::Text, size, json::messages(count, size));
        if report.wants("deflate/compress") {
            let figures = measure(|| compressors(&work), &work, report.quick);
            report.add(Case::new("deflate/compress", &work).compared(compare(&figures)), &figures);
        }
        for takeover in [true, false] {
            let group = if takeover { "deflate/inflate" } else { "deflate/inflate, no takeover" };
            if report.wants(group) {
                let work = deflated(&work, takeover);
                let figures = measure(|| inflaters(&work, takeover), &work, report.quick);
                report.add(Case::new(group, &work), &figures);
            }
        }
    }
}

fn compressors(work: &Work) -> Vec<Contender> {
    let mut contenders = Vec::new();
    for level in [1, 2, 6] {
        let alone = ws(level, 8, false);
        for (name, of_server) in [
            ("", ws(level, 8, true)),
            (", no takeover", alone),
            (", no takeover, context reset", alone.keep_context(KeepContext::Always)),
        ] {
            let name = format!("sansws, level {level}{name}");
            let (client, server) = ours::deflated(config(), of_server);
            contenders.push(ours::send(&name, server, work).checked(inflated(client, work)));
        }
    }
    // What the README of Node's ws shows.
    let (client, server) = ours::deflated(config(), ws(3, 7, true));
    let name = "sansws, level 3, memory level 7";
    contenders.push(ours::send(name, server, work).checked(inflated(client, work)));

    let low_latency = || yawc::options().with_low_latency_compression();
    for (profile, options, takeover) in [
        ("low latency", low_latency(), true),
        ("low latency, no takeover", low_latency(), false),
        ("low latency, no takeover, pool", low_latency().with_deflate_pool(pool()), false),
        ("balanced", yawc::options().with_balanced_compression(), true),
        ("balanced, no takeover", yawc::options().with_balanced_compression(), false),
        ("high compression", yawc::options().with_high_compression(), true),
    ] {
        let name = format!("yawc ({FLATE2}), {profile}");
        let open = yawc::open(work, ::yawc::Role::Server, Some(extension(takeover)), options);
        let (client, _) = ours::deflated(config(), ws(1, 8, takeover));
        contenders.push(yawc::send(&name, open, work).checked(inflated(client, work)));
    }
    #[cfg(feature = "c-zlib")]
    {
        use crate::contenders::soketto;

        let (client, _) = ours::deflated(config(), ws(1, 8, false));
        let open = soketto::open_deflated(work);
        let name = format!("soketto ({FLATE2})");
        contenders.push(soketto::send(&name, open, work).checked(inflated(client, work)));
    }
    contenders
}

fn inflaters(work: &Work, takeover: bool) -> Vec<Contender> {
    let (_, server) = ours::deflated(ws(6, 8, takeover), frugal(!takeover));
    let (_, server_short) = ours::deflated(ws(6, 8, takeover), frugal(!takeover));
    let extension = Some(extension(takeover));
    let role = ::yawc::Role::Server;
    let options = || yawc::options().with_balanced_compression();
    let yawc = yawc::open(work, role, extension, options());
    let mut contenders = vec![
        ours::receive("sansws", server, work, ours::READ),
        ours::receive("sansws, reads of 16 KiB", server_short, work, 16 << 10),
        yawc::receive(&format!("yawc ({FLATE2})"), yawc, work),
    ];
    if !takeover {
        let open = yawc::open(work, role, extension, options().with_deflate_pool(pool()));
        contenders.push(yawc::receive(&format!("yawc ({FLATE2}), pool"), open, work));
        #[cfg(feature = "c-zlib")]
        {
            use crate::contenders::soketto;

            let open = soketto::open_deflated(work);
            contenders.push(soketto::receive(&format!("soketto ({FLATE2})"), open, work));
        }
    }
    contenders
}

/// The same messages as a client sends them compressed at level 6, as browsers
/// and Node's ws do.
pub fn deflated(work: &Work, takeover: bool) -> Work {
    let (mut client, _) = ours::deflated(ws(6, 8, takeover), frugal(!takeover));
    let mut input = Vec::new();
    for text in work.texts() {
        client.send_text(&text, &mut input).unwrap();
    }
    let messages = work.messages.iter().map(|message| message.to_vec()).collect();
    Work::with_input(work.kind, work.size, messages, input)
}

/// The settings that Node's ws has, by its names: what is shorter than 1 KiB is
/// not compressed.
fn ws(level: u8, memory_level: u8, takeover: bool) -> DeflateConfig {
    config().level(level).memory_level(memory_level).min_len(1024).send_without_takeover(!takeover)
}

fn config() -> DeflateConfig {
    DeflateConfig::new()
}

fn frugal(without: bool) -> DeflateConfig {
    config().receive_without_takeover(without)
}

fn pool() -> ::yawc::DeflatePool {
    ::yawc::DeflatePool::new(64)
}

fn extension(takeover: bool) -> &'static str {
    if takeover {
        "permessage-deflate"
    } else {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    }
}

/// That what was written is the messages, twice, all compressed.
fn inflated(client: Connection, work: &Work) -> impl Fn(&[u8]) + use<> {
    let (client, messages) = (std::cell::RefCell::new(client), work.messages.clone());
    move |output| {
        assert!(output.len() / 2 < messages.iter().map(bytes::Bytes::len).sum::<usize>());
        let mut bytes = output.to_vec();
        let (mut input, mut out) = (&mut bytes[..], Vec::new());
        for message in messages.iter().chain(messages.iter()) {
            match client.borrow_mut().receive(&mut input, &mut out) {
                Ok(Some(Event::Text(text))) => assert!(text.as_bytes() == message),
                other => panic!("{other:?}"),
            }
        }
        assert!(input.is_empty());
    }
}

/// For each contender, how its time compares with that of the fastest of ours that
/// writes as much; if there is none, with that of one that writes less and is faster.
fn compare(figures: &[Figure]) -> Vec<String> {
    let is_ours = |figure: &&Figure| figure.name.starts_with("sansws");
    let remark = |theirs: &Figure| {
        let distance = |ours: &Figure| (ours.written as f64 / theirs.written as f64 - 1.0).abs();
        let is_better =
            |ours: &Figure| ours.written < theirs.written && ours.nanoseconds < theirs.nanoseconds;
        let ours = figures
            .iter()
            .filter(is_ours)
            .filter(|ours| distance(ours) <= ALIKE || is_better(ours))
            .min_by(|a, b| {
                let closer = distance(a).total_cmp(&distance(b));
                closer.then(a.nanoseconds.total_cmp(&b.nanoseconds))
            })?;
        let what = if distance(ours) <= ALIKE { "equal ratio" } else { "worse ratio" };
        Some(format!("{what}: {:.2} x {}", theirs.nanoseconds / ours.nanoseconds, ours.name))
    };
    let of = |figure| if is_ours(&figure) { None } else { remark(figure) };
    figures.iter().map(|figure| of(figure).unwrap_or_default()).collect()
}
