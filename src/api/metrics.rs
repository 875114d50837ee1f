//! `/metrics`: the snapshot in OpenMetrics text. Base units, `uplink_` first, labels bounded by the configuration.

use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::answer::{Kinds, Media};
use super::problem::Problem;
use super::routes::{Api, STREAMS};
use super::sheet::{Labels, Sheet, spelled};
use crate::model::sound::{Loudness, SoundState};
use crate::model::status::{
    ApplianceStatus, ChannelOrder, ChannelState, ChannelStatus, DestinationState, DestinationStatus, ProgramStatus,
    RenditionStatus, Showing, SourceState, SourceStatus, SpoolStatus, WorkerReport,
};
use crate::model::{
    BitRate, Carried, CarriedRendition, CatchUp, Duty, EndpointStatus, Health, InputState, LineStatus, MediaTime,
    Validity,
};

const HEALTHS: &[Health] = &[Health::Inactive, Health::Healthy, Health::PartiallyHealthy, Health::Unhealthy];
const CHANNEL_STATES: &[ChannelState] = &[
    ChannelState::Idle,
    ChannelState::Starting,
    ChannelState::Running,
    ChannelState::Slate,
    ChannelState::Stopping,
    ChannelState::Delivering,
    ChannelState::Failed,
];
const SOURCE_STATES: &[SourceState] =
    &[SourceState::Connecting, SourceState::Delivering, SourceState::Lost, SourceState::Failed];
const DESTINATION_STATES: &[DestinationState] = &[
    DestinationState::Connecting,
    DestinationState::Streaming,
    DestinationState::Interrupted,
    DestinationState::Failed,
    DestinationState::Disabled,
];
const DUTIES: &[Duty] = &[Duty::Active, Duty::Restoring, Duty::Standby];

/// The text that Prometheus reads.
pub(crate) struct OpenMetrics;

impl Kinds for OpenMetrics {
    const KINDS: &'static [&'static str] = &["application/openmetrics-text"];
}

/// `GET /metrics`.
pub(crate) async fn scrape(State(api): State<Api>) -> Result<Media<OpenMetrics>, Problem> {
    let status = api.handle.status().borrow().clone();
    api.vitals.refresh().await;
    let mut sheet = Sheet::new();
    appliance(&mut sheet, &status);
    channels(&mut sheet, &status);
    programs(&mut sheet, &status);
    sources(&mut sheet, &status);
    renditions(&mut sheet, &status);
    destinations(&mut sheet, &status);
    endpoints(&mut sheet, &status);
    super::costs::measure(&mut sheet, &super::costs::document(&api, None));
    spools(&mut sheet, &status);
    super::readings::measure(&mut sheet, &status);
    super::alarms::measure(&mut sheet, &api);
    super::notify::measure(&mut sheet, &api);
    let frozen = f64::from(u8::from(api.freezer.in_force().is_some()));
    sheet.gauge("freeze_active", "1 while the box, or a channel of it, is frozen", [(Labels::new(), frozen)]);
    super::surfaces::measure(&mut sheet, &api);
    certificates(&mut sheet, &api);
    clients(&mut sheet, &api);
    api.timings.measure(&mut sheet);
    api.vitals.measure(&mut sheet);
    let text = sheet.text().map_err(|error| Problem::internal(format!("cannot write the metrics: {error}")))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], text).into_response().into())
}

fn appliance(sheet: &mut Sheet, status: &ApplianceStatus) {
    let none = Labels::new;
    let build = vec![("version", status.version.clone())];
    sheet.gauge("build_info", "Version of the daemon", [(build, 1.0)]);
    let started = status.started_at.as_secs_f64();
    sheet.gauge("started_timestamp_seconds", "When the daemon came up", [(none(), started)]);
    let loaded = status.config.loaded_at.as_secs_f64();
    sheet.gauge("config_loaded_timestamp_seconds", "When the configuration was put in force", [(none(), loaded)]);
    let changes = status.config.generation.saturating_sub(1);
    sheet.counter("config_changes", "Configurations put in force since the daemon came up", [(none(), changes)]);
    let faults = status.config.rejected.len() as f64;
    sheet.gauge("config_rejected_faults", "Faults of a newer configuration that was rejected", [(none(), faults)]);
    let health = [(none(), status.health.health)];
    sheet.words(("health", "Health of the appliance, worst of all channels"), "health", HEALTHS, health);
}

fn certificates(sheet: &mut Sheet, api: &Api) {
    let shown = api.certificates();
    let each = |value: fn(&Validity) -> MediaTime| {
        shown.iter().map(move |one| (vec![("certificate", one.which.to_owned())], value(one).as_secs_f64()))
    };
    let begins = "From when on a certificate of the API is good";
    sheet.gauge("tls_certificate_begin_timestamp_seconds", begins, each(|one| one.begins));
    let ends = "Until when a certificate of the API is good: the usual one, or one of an authority";
    sheet.gauge("tls_certificate_expiry_timestamp_seconds", ends, each(|one| one.ends));
}

fn channels(sheet: &mut Sheet, status: &ApplianceStatus) {
    let each = |value: fn(&ChannelStatus) -> f64| status.channels.iter().map(move |c| (of(c), value(c)));
    let wanted = each(|c| truth(c.order == ChannelOrder::OnAir));
    sheet.gauge("channel_expected_on_air", "1 if somebody ordered the channel on air", wanted);
    sheet.gauge("channel_on_air", "1 if a viewer can receive the programme", each(|c| truth(c.on_air)));
    let states = status.channels.iter().map(|c| (of(c), c.state));
    sheet.words(("channel_state", "What the engine does"), "state", CHANNEL_STATES, states);
    let healths = status.channels.iter().map(|c| (of(c), c.health.health));
    sheet.words(("channel_health", "Health of the channel, worst of its parts"), "health", HEALTHS, healths);
    let restarts = status.channels.iter().map(|c| (of(c), c.restarts));
    sheet.counter("channel_restarts", "Workers started since the daemon came up, beyond the first", restarts);
    let workers = || status.channels.iter().filter_map(|c| Some((of(c), c.worker.as_ref()?)));
    let ages = workers().map(|(labels, worker)| (labels, worker.heartbeat_age_seconds));
    sheet.gauge("worker_heartbeat_age_seconds", "Age of the worker's last heartbeat", ages);
    let starts = workers().map(|(labels, worker)| (labels, worker.since.as_secs_f64()));
    sheet.gauge("worker_started_timestamp_seconds", "When the worker process started", starts);
}

fn programs(sheet: &mut Sheet, status: &ApplianceStatus) {
    let each = |value: fn(&ProgramStatus) -> u64| reports(status).map(move |(c, r)| (of(c), value(&r.program)));
    sheet.counter("channel_frames", "Frames that left the switch since the worker started", each(|p| p.frames));
    sheet.counter("channel_repeated_frames", "Frames shown again for want of a newer one", each(|p| p.repeated));
    sheet.counter("channel_missed_ticks", "Ticks of the house clock that were missed", each(|p| p.missed));
    let slate = reports(status).map(|(c, r)| (of(c), truth(r.program.showing == Showing::Slate)));
    sheet.gauge("channel_on_slate", "1 if the program shows the slate", slate);
    let positions = reports(status).map(|(c, r)| (of(c), r.program.position.as_secs_f64()));
    sheet.gauge("channel_position_timestamp_seconds", "The last frame that left the switch", positions);
    let peaks = reports(status).flat_map(|(c, r)| {
        let peaks = r.program.peak_dbfs.iter().enumerate();
        peaks.map(move |(n, peak)| (with(c, "audio_channel", n), f64::from(*peak)))
    });
    sheet.gauge("channel_audio_peak_dbfs", "Sample peak of the last second", peaks);
    sound(sheet, status);
}

/// By mix, which is named by its channels.
fn sound(sheet: &mut Sheet, status: &ApplianceStatus) {
    let mixes = || reports(status).flat_map(|(c, r)| r.program.loudness.iter().map(move |mix| (c, mix)));
    let each = |value: fn(&Loudness) -> Option<f64>| {
        mixes().filter_map(move |(c, mix)| Some((with(c, "mix", mix_name(&mix.channels)), value(mix)?)))
    };
    sheet.gauge("channel_loudness_momentary_lufs", "Loudness over 400 ms", each(|mix| mix.momentary));
    sheet.gauge("channel_loudness_short_term_lufs", "Loudness over 3 s", each(|mix| mix.short_term));
    sheet.gauge("channel_loudness_integrated_lufs", "Gated loudness since the restart", each(|mix| mix.integrated));
    sheet.gauge("channel_loudness_range_lu", "Loudness range since the restart", each(|mix| mix.lra));
    sheet.gauge("channel_loudness_correction_db", "Gain of the loudness correction", each(|mix| mix.correction_db));
    let peaks = mixes().flat_map(|(c, mix)| {
        let peaks = mix.channels.iter().zip(&mix.true_peak);
        peaks.map(move |(channel, peak)| (with(c, "audio_channel", channel - 1), *peak))
    });
    sheet.gauge("channel_audio_true_peak_dbtp", "Highest true peak since the restart", peaks);
    let states = || reports(status).flat_map(|(c, r)| r.program.sound_states.iter().map(move |state| (c, state)));
    let labels = |c: &ChannelStatus, state: &SoundState| {
        let mut labels = with(c, "mix", mix_name(&state.channels));
        labels.push(("fault", spelled(&state.fault)));
        labels
    };
    let active = states().map(|(c, state)| (labels(c, state), truth(state.active)));
    sheet.gauge("channel_sound_fault", "1 while the sound is faulty in this way", active);
    let counts = states().map(|(c, state)| (labels(c, state), state.count));
    sheet.counter("channel_sound_faults", "Times the sound became faulty in this way", counts);
}

fn mix_name(channels: &[u8]) -> String {
    channels.iter().map(u8::to_string).collect::<Vec<_>>().join("-")
}

fn sources(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || reports(status).flat_map(|(c, r)| r.sources.iter().map(move |s| (with(c, "source", &s.id), s)));
    let each = |value: fn(&SourceStatus) -> u64| rows().map(move |(labels, source)| (labels, value(source)));
    sheet.words(("source_state", "Where the source stands"), "state", SOURCE_STATES, rows().map(|(l, s)| (l, s.state)));
    let healths = rows().map(|(labels, source)| (labels, source.health.health));
    sheet.words(("source_health", "Health of the source"), "health", HEALTHS, healths);
    let inputs = rows().filter_map(|(labels, source)| Some((labels, source.input.as_ref()?.state)));
    let help = "What the capture device of the source says of the signal at its input";
    sheet.words(("source_input", help), "state", InputState::ALL, inputs);
    sheet.counter("source_frames", "Frames that arrived", each(|s| s.frames));
    sheet.counter("source_late_frames", "Frames that arrived too late to be shown", each(|s| s.late));
    sheet.counter("source_connects", "Times the source was opened", each(|s| s.connects));
}

fn renditions(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || reports(status).flat_map(|(c, r)| r.renditions.iter().map(move |n| (with(c, "rendition", &n.id), n)));
    let each = |value: fn(&RenditionStatus) -> f64| rows().map(move |(labels, rendition)| (labels, value(rendition)));
    sheet.gauge("rendition_target_bytes_per_second", "Wanted bit rate", each(|r| r.target.bps() as f64 / 8.0));
    sheet.gauge(
        "rendition_measured_bytes_per_second",
        "Bit rate of the last segments",
        each(|r| r.measured.bps() as f64 / 8.0),
    );
    sheet.counter("rendition_segments", "Segments written", rows().map(|(labels, r)| (labels, r.segments)));
    let dropped = rows().map(|(labels, r)| (labels, r.dropped_frames));
    sheet.counter("rendition_dropped_frames", "Frames that the encoder had no time for", dropped);
    let positions = rows().filter_map(|(labels, r)| Some((labels, r.position?.as_secs_f64())));
    sheet.gauge("rendition_position_timestamp_seconds", "End of the last segment on disk", positions);
    let encoders = rows().map(|(mut labels, rendition)| {
        labels.push(("encoder", rendition.encoder.clone()));
        (labels, 1.0)
    });
    sheet.gauge("rendition_encoder_info", "Element that encodes", encoders);
}

fn destinations(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || served(status).map(|(c, d)| (with(c, "destination", &d.id), d));
    let each = |value: fn(&DestinationStatus) -> u64| rows().map(move |(labels, one)| (labels, value(one)));
    let states = rows().map(|(labels, one)| (labels, one.state));
    sheet.words(("destination_state", "Where the destination stands"), "state", DESTINATION_STATES, states);
    let healths = rows().map(|(labels, one)| (labels, one.health.health));
    sheet.words(("destination_health", "Health of the destination"), "health", HEALTHS, healths);
    sheet.counter("destination_sent_bytes", "Media bytes sent, acknowledged or not", each(|d| d.bytes_sent));
    sheet.counter("destination_acknowledged_bytes", "Media bytes acknowledged", each(|d| d.bytes_acknowledged));
    sheet.counter("destination_reconnects", "Times it was lost and came back", each(|d| d.reconnects));
    let waiting = rows().map(|(labels, one)| (labels, one.queue_seconds));
    sheet.gauge("destination_queue_seconds", "Program time waiting in the spool", waiting);
    let segments = rows().map(|(labels, one)| (labels, one.queue_segments as f64));
    sheet.gauge("destination_queue_segments", "Segments waiting in the spool", segments);
    lines(sheet, status);
}

fn lines(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || {
        let lines = served(status).filter_map(|(channel, one)| Some((channel, &one.id, one.line.clone()?)));
        lines.map(|(channel, id, line)| (with(channel, "destination", id), line)).collect::<Vec<_>>()
    };
    let rate = |rate: BitRate| rate.bps() as f64 / 8.0;
    let measured = rows().into_iter().filter_map(|(labels, line)| Some((labels, rate(line.measured?))));
    sheet.gauge("destination_upload_bytes_per_second", "Upload rate while something was under way", measured);
    let needed = rows().into_iter().map(|(labels, line)| (labels, rate(line.needed)));
    sheet.gauge("destination_needed_bytes_per_second", "What the renditions make that it gets", needed);
    let until = rows().into_iter().filter_map(|(labels, line)| Some((labels, seconds(line.catch_up)?)));
    sheet.gauge("destination_catch_up_seconds", "Until all that waits is delivered; +Inf: never", until);
    let renditions = || {
        let each = |(labels, line): (Labels, LineStatus)| -> Vec<(Labels, CarriedRendition)> {
            let labelled = |one: &CarriedRendition| [labels.clone(), vec![("rendition", one.id.to_string())]].concat();
            line.renditions.iter().map(|one| (labelled(one), one.clone())).collect()
        };
        rows().into_iter().flat_map(each)
    };
    let dropped = renditions().map(|(labels, one)| (labels, f64::from(u8::from(one.carried == Carried::Dropped))));
    sheet.gauge("destination_rendition_dropped", "1: the line is too slow for it", dropped);
    let left_out = renditions().map(|(labels, one)| (labels, one.left_out));
    sheet.counter("destination_left_out_segments", "Segments left out, because the line was too slow", left_out);
}

/// None if nothing is known.
fn seconds(until: CatchUp) -> Option<f64> {
    match until {
        CatchUp::Even => Some(0.0),
        CatchUp::Takes { seconds } => Some(seconds),
        CatchUp::Never => Some(f64::INFINITY),
        CatchUp::Unknown => None,
    }
}

/// Primary and backups. Sums over endpoints are the destination's own rows.
fn endpoints(sheet: &mut Sheet, status: &ApplianceStatus) {
    let rows = || {
        served(status).flat_map(|(c, d)| {
            d.endpoints.iter().map(move |one| {
                let mut labels = with(c, "destination", &d.id);
                labels.push(("endpoint", one.name.to_string()));
                (labels, one)
            })
        })
    };
    let each = |value: fn(&EndpointStatus) -> u64| rows().map(move |(labels, one)| (labels, value(one)));
    let states = rows().map(|(labels, one)| (labels, one.state));
    sheet.words(("destination_endpoint_state", "Where the endpoint stands"), "state", DESTINATION_STATES, states);
    let duties = rows().map(|(labels, one)| (labels, one.duty));
    sheet.words(("destination_endpoint_duty", "What the endpoint is there for"), "duty", DUTIES, duties);
    let sent = each(|one| one.bytes_sent);
    sheet.counter("destination_endpoint_sent_bytes", "Media bytes sent, acknowledged or not", sent);
    let acknowledged = each(|one| one.bytes_acknowledged);
    sheet.counter("destination_endpoint_acknowledged_bytes", "Media bytes acknowledged", acknowledged);
    let reconnects = each(|one| one.reconnects);
    sheet.counter("destination_endpoint_reconnects", "Times it was lost and came back", reconnects);
    let waiting = rows().map(|(labels, one)| (labels, one.queue_seconds));
    sheet.gauge("destination_endpoint_queue_seconds", "Program time waiting for it in the spool", waiting);
    let segments = rows().map(|(labels, one)| (labels, one.queue_segments as f64));
    sheet.gauge("destination_endpoint_queue_segments", "Segments waiting for it in the spool", segments);
}

fn spools(sheet: &mut Sheet, status: &ApplianceStatus) {
    let each = |value: fn(&SpoolStatus) -> u64| reports(status).map(move |(c, r)| (of(c), value(&r.spool)));
    sheet.gauge("spool_bytes", "Bytes on disk", each(|s| s.bytes).map(|(labels, bytes)| (labels, bytes as f64)));
    let quotas = each(|s| s.quota_bytes).map(|(labels, bytes)| (labels, bytes as f64));
    sheet.gauge("spool_quota_bytes", "Most bytes it may take", quotas);
    sheet.counter("spool_lost_segments", "Segments that could not be written", each(|s| s.lost_segments));
    let healths = reports(status).map(|(c, r)| (of(c), r.spool.health.health));
    sheet.words(("spool_health", "Health of the spool"), "health", HEALTHS, healths);
}

fn clients(sheet: &mut Sheet, api: &Api) {
    let (counts, missed) = api.journal.counts();
    let events = counts.into_iter().map(|((code, severity), count)| {
        (vec![("code", code.as_str().to_owned()), ("severity", spelled(&severity))], count)
    });
    sheet.counter("events", "Events since the daemon came up", events);
    sheet.counter("events_missed", "Events that came too fast to be recorded", [(Labels::new(), missed)]);
    let open = STREAMS.saturating_sub(api.streams.available_permits());
    sheet.gauge("event_stream_clients", "Open event streams", [(Labels::new(), open as f64)]);
    let sessions = api.access.sessions_by_role().into_iter();
    let sessions = sessions.map(|(role, count)| (vec![("role", role.as_str().to_owned())], count as f64));
    sheet.gauge("panel_sessions", "Who is logged in, by what they may", sessions);
    let failures = api.access.login_failures();
    sheet.counter("login_failures", "Logins that failed since the daemon came up", [(Labels::new(), failures)]);
    let cut = api.cut.load(Ordering::Relaxed);
    sheet.counter(
        "event_stream_cut",
        "Event streams ended because the client could not follow",
        [(Labels::new(), cut)],
    );
}

pub(super) fn reports(status: &ApplianceStatus) -> impl Iterator<Item = (&ChannelStatus, &WorkerReport)> {
    status.channels.iter().filter_map(|channel| Some((channel, channel.report.as_ref()?)))
}

/// All destinations, also those of channels that are off air and that something is left for.
fn served(status: &ApplianceStatus) -> impl Iterator<Item = (&ChannelStatus, &DestinationStatus)> {
    status.channels.iter().flat_map(|channel| channel.destinations().iter().map(move |one| (channel, one)))
}

pub(super) fn of(channel: &ChannelStatus) -> Labels {
    vec![("channel", channel.id.to_string())]
}

pub(super) fn with(channel: &ChannelStatus, label: &'static str, value: impl ToString) -> Labels {
    vec![("channel", channel.id.to_string()), (label, value.to_string())]
}

pub(super) fn truth(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}
