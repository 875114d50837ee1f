//! More of the snapshot as metrics: what dashboards draw beside what [`super::metrics`] has.

use super::metrics::{of, reports, truth, with};
use super::sheet::{Labels, Sheet};
use crate::model::pair::{PairRole, PairStatus};
use crate::model::recording::RecordingStatus;
use crate::model::status::{ApplianceStatus, ChannelStatus, DestinationStatus, LinkFigures, Showing};
use crate::model::{EndpointStatus, Health, Resources};

const HEALTHS: &[Health] = &[Health::Inactive, Health::Healthy, Health::PartiallyHealthy, Health::Unhealthy];
const ROLES: &[PairRole] = &[PairRole::Asking, PairRole::Holder, PairRole::Active, PairRole::Standby];

pub(super) fn measure(sheet: &mut Sheet, status: &ApplianceStatus) {
    room(sheet, status);
    programs(sheet, status);
    signals(sheet, status);
    ways(sheet, status);
    destinations(sheet, status);
    endpoints(sheet, status);
    links(sheet, status);
    pairs(sheet, status);
    recordings(sheet, status);
}

fn room(sheet: &mut Sheet, status: &ApplianceStatus) {
    let of = |name: &str| vec![("part", name.to_owned())];
    let rows = |value: fn(&Resources) -> f64| {
        let capacity = &status.capacity;
        [(of("room"), value(&capacity.room)), (of("taken"), value(&capacity.taken))]
    };
    sheet.gauge("capacity_cores", "Processor cores that channels may take, and that they take", rows(|r| r.cores));
    let memory = rows(|r| r.memory_bytes as f64);
    sheet.gauge("capacity_memory_bytes", "Memory that channels may take, and that they take", memory);
    let disk = rows(|r| r.disk_bytes_per_second as f64);
    sheet.gauge("capacity_disk_bytes_per_second", "Disk rate that channels may take, and that they take", disk);
}

fn programs(sheet: &mut Sheet, status: &ApplianceStatus) {
    let since = status.channels.iter().filter_map(|c| Some((of(c), c.on_air_since?.as_secs_f64())));
    sheet.gauge("channel_on_air_timestamp_seconds", "Since when the channel is on air", since);
    let shown = reports(status).flat_map(|(c, r)| {
        on_air(&r.program.showing).map(move |(kind, source)| {
            let mut labels = with(c, "source", source);
            labels.push(("kind", kind.to_owned()));
            (labels, 1.0)
        })
    });
    sheet.gauge("channel_program_source_info", "What the program shows; a scene has a row for each source", shown);
    let mixes = reports(status).flat_map(|(c, r)| r.program.loudness.iter().map(move |mix| (c, mix)));
    let limiters = mixes.filter_map(|(c, mix)| {
        let name = mix.channels.iter().map(u8::to_string).collect::<Vec<_>>().join("-");
        Some((with(c, "mix", name), mix.limiter_db?))
    });
    sheet.gauge("channel_loudness_limiter_db", "What the limiter takes away now", limiters);
    let healths = reports(status)
        .flat_map(|(c, r)| r.renditions.iter().map(move |one| (with(c, "rendition", &one.id), one.health.health)));
    let help = "Whether the encoder of the rendition keeps up";
    sheet.words(("rendition_health", help), "health", HEALTHS, healths);
}

/// Kind, and source.
fn on_air(showing: &Showing) -> impl Iterator<Item = (&'static str, String)> {
    let (kind, sources) = match showing {
        Showing::Slate => ("slate", vec![String::new()]),
        Showing::Source { source } => ("source", vec![source.to_string()]),
        Showing::Scene { scene } => ("scene", scene.sources.iter().map(ToString::to_string).collect()),
    };
    sources.into_iter().map(move |source| (kind, source))
}

fn signals(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = reports(status).flat_map(|(c, r)| {
        r.sources.iter().flat_map(move |source| {
            let signal = &source.signal;
            let faults = [
                ("black", signal.black_since),
                ("frozen", signal.freeze_since),
                ("silent", signal.silence_since),
                ("wrong_format", signal.wrong_format_since),
            ];
            faults.map(|(fault, since)| {
                let mut labels = with(c, "source", &source.id);
                labels.push(("fault", fault.to_owned()));
                (labels, truth(since.is_some()))
            })
        })
    });
    sheet.gauge("source_signal_fault", "1 while the signal of the source is faulty in this way", rows);
}

/// From the senders of sources to this box.
fn ways(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || {
        let sources = reports(status).flat_map(|(c, r)| r.sources.iter().map(move |one| (c, one)));
        sources.filter_map(|(c, one)| Some((with(c, "source", &one.id), one.link.as_ref()?)))
    };
    let rtt = rows().filter_map(|(labels, link)| Some((labels, link.rtt_ms? / 1000.0)));
    sheet.gauge("source_rtt_seconds", "Round trip to the sender (SRT)", rtt);
    let latency = rows().filter_map(|(labels, link)| Some((labels, link.latency_ms? / 1000.0)));
    sheet.gauge("source_latency_seconds", "How long packets are waited for that are sent again (SRT)", latency);
    let carries = rows().filter_map(|(labels, link)| Some((labels, link.bandwidth_bps? as f64 / 8.0)));
    let help = "What the way from the sender carries, as the protocol estimates it (SRT)";
    sheet.gauge("source_bandwidth_bytes_per_second", help, carries);
    let lost = rows().filter_map(|(labels, link)| Some((labels, link.packets_lost?)));
    sheet.counter(
        "source_lost_packets",
        "Packets that were missing, sent again or not, since the connection began",
        lost,
    );
}

fn each(status: &ApplianceStatus) -> impl Iterator<Item = (&ChannelStatus, &DestinationStatus)> {
    reports(status).flat_map(|(c, r)| r.destinations.iter().map(move |one| (c, one)))
}

fn destinations(sheet: &mut Sheet, status: &ApplianceStatus) {
    let labels = |c, one: &DestinationStatus| with(c, "destination", &one.id);
    let positions = each(status).filter_map(|(c, one)| Some((labels(c, one), one.position?.as_secs_f64())));
    let help = "End of the last media acknowledged in every rendition";
    sheet.gauge("destination_position_timestamp_seconds", help, positions);
    let paused = each(status).map(|(c, one)| (labels(c, one), truth(one.paused_since.is_some())));
    sheet.gauge("destination_paused", "1 while it gets nothing, because the program is on slate", paused);
    let switches = || each(status).filter_map(|(c, one)| Some((labels(c, one), one.last_switch.as_ref()?)));
    let times = switches().map(|(labels, switch)| (labels, switch.at.as_secs_f64()));
    sheet.gauge("destination_switch_timestamp_seconds", "When it last changed its endpoint", times);
    let took = switches().filter_map(|(labels, switch)| Some((labels, switch.first_segment_seconds?)));
    let help = "From the last change of endpoint to the first segment acknowledged there";
    sheet.gauge("destination_switch_duration_seconds", help, took);
    let drills = each(status).filter_map(|(c, one)| Some((labels(c, one), one.last_drill.as_ref()?.at.as_secs_f64())));
    sheet.gauge("destination_drill_timestamp_seconds", "When a backup of it was last tried", drills);
    let overflowed = reports(status).flat_map(|(c, r)| {
        r.spool.overflowed.iter().map(move |one| (with(c, "destination", &one.destination), one.segments))
    });
    let help = "Segments deleted before the destination had them, because the spool was full";
    sheet.counter("spool_overflowed_segments", help, overflowed);
}

fn each_endpoint(status: &ApplianceStatus) -> impl Iterator<Item = (Labels, &EndpointStatus)> {
    each(status).flat_map(|(c, destination)| {
        destination.endpoints.iter().map(move |one| {
            let mut labels = with(c, "destination", &destination.id);
            labels.push(("endpoint", one.name.to_string()));
            (labels, one)
        })
    })
}

fn endpoints(sheet: &mut Sheet, status: &ApplianceStatus) {
    let gauge = |value: fn(&EndpointStatus) -> bool| {
        each_endpoint(status).map(move |(labels, one)| (labels, truth(value(one))))
    };
    sheet.gauge("destination_endpoint_playable", "1 if players can begin there", gauge(|one| one.playable));
    sheet.gauge("destination_endpoint_slow", "1 while it acknowledges too slowly", gauge(|one| one.slow));
    let counter =
        |value: fn(&EndpointStatus) -> u64| each_endpoint(status).map(move |(labels, one)| (labels, value(one)));
    let help = "Pictures and AAC frames that a stream left out, because the network did not take them";
    sheet.counter("destination_endpoint_lost_units", help, counter(|one| one.lost_units));
    let help = "Old segments deleted there";
    sheet.counter("destination_endpoint_deleted_segments", help, counter(|one| one.deleted_segments));
}

/// What a protocol tells of the way to a peer, since the connection began.
fn links(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || each_endpoint(status).filter_map(|(labels, one)| Some((labels, one.link.as_ref()?)));
    let rtt = rows().filter_map(|(labels, link)| Some((labels, link.rtt_ms? / 1000.0)));
    sheet.gauge("destination_endpoint_rtt_seconds", "Round trip to the peer", rtt);
    let latency = rows().filter_map(|(labels, link)| Some((labels, link.latency_ms? / 1000.0)));
    let help = "How long the receiver waits for packets that are sent again (SRT)";
    sheet.gauge("destination_endpoint_latency_seconds", help, latency);
    let carries = rows().filter_map(|(labels, link)| Some((labels, link.bandwidth_bps? as f64 / 8.0)));
    let help = "What the way to the peer carries, as the protocol estimates it (SRT)";
    sheet.gauge("destination_endpoint_bandwidth_bytes_per_second", help, carries);
    let counter =
        |value: fn(&LinkFigures) -> Option<u64>| rows().filter_map(move |(labels, link)| Some((labels, value(link)?)));
    let lost = counter(|link| link.packets_lost);
    sheet.counter("destination_endpoint_lost_packets", "Packets reported lost, repeated or not", lost);
    let again = counter(|link| link.packets_retransmitted);
    sheet.counter("destination_endpoint_retransmitted_packets", "Packets sent again", again);
    let dropped = counter(|link| link.packets_dropped);
    sheet.counter("destination_endpoint_dropped_packets", "Packets not sent, because they would be late", dropped);
    let callers = rows().filter_map(|(labels, link)| Some((labels, f64::from(link.callers?))));
    sheet.gauge("destination_endpoint_callers", "Callers that are connected to a listener", callers);
}

fn pairs(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || each_endpoint(status).filter_map(|(labels, one)| Some((labels, one.pair.as_ref()?)));
    let roles = rows().map(|(labels, pair)| (labels, pair.role));
    sheet.words(("destination_pair_role", "What this box does in its pair"), "role", ROLES, roles);
    let counter = |value: fn(&PairStatus) -> u64| rows().map(move |(labels, pair)| (labels, value(pair)));
    let takeovers = counter(|pair| pair.takeovers);
    sheet.counter("destination_pair_takeovers", "Times that this box went on after the other", takeovers);
    let fenced = counter(|pair| pair.fenced);
    sheet.counter("destination_pair_fenced_writes", "Writes refused, because the other box had the lease", fenced);
}

fn recordings(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || each(status).filter_map(|(c, one)| Some((with(c, "destination", &one.id), one.recording.as_ref()?)));
    let gauge = |value: fn(&RecordingStatus) -> f64| rows().map(move |(labels, one)| (labels, value(one)));
    sheet.gauge("recording_active", "1 while a recording runs", gauge(|one| truth(one.running)));
    sheet.gauge("recording_bytes", "Bytes of the recording that runs, or ran last", gauge(|one| one.bytes as f64));
    let gaps = gauge(|one| one.gaps as f64);
    sheet.gauge("recording_gaps", "Times something is missing in it", gaps);
    let interruptions = gauge(|one| one.interruptions as f64);
    sheet.gauge(
        "recording_interruptions",
        "Times that a worker was lost and another one went on with it",
        interruptions,
    );
    let free = gauge(|one| one.free_bytes as f64);
    sheet.gauge("recording_free_bytes", "Free on the file system of the recordings", free);
    let left = status.recording_times().into_iter().map(|(channel, destination, seconds)| {
        (vec![("channel", channel.to_string()), ("destination", destination.to_string())], seconds)
    });
    let help = "How long what is recorded now still fits, with old recordings that may be deleted for it";
    sheet.gauge("recording_remaining_seconds", help, left);
    let deleted = rows().map(|(labels, one)| (labels, one.deleted_recordings));
    sheet.counter("recording_deleted", "Old recordings deleted to keep the limits", deleted);
}
