//! A board as lines. Pure: time is passed in.
//!
//! Red is on air and amber the slate, as everywhere; what is wrong is inverse and has a `!`; what is old is dim.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use tokio::time::Instant;

use super::board::Board;
use crate::app::ctl::report::duration;
use crate::app::ctl::report::words::{air, asked, health, judged, ok, shows, word};
use crate::model::status::{ApplianceStatus, ChannelStatus, DestinationStatus, WorkerReport};
use crate::model::{Alarm, AlarmCounts, BitRate, Health, MeterReading};

/// Cells of a level meter.
const CELLS: usize = 20;
/// What the meter begins with, dBFS.
const FLOOR: f32 = -60.0;

const WRONG: Style = Style::new().add_modifier(Modifier::REVERSED);
const HEAD: Style = Style::new().add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);

/// Draws it from line `top` on, and says from which it was.
pub(super) fn draw(frame: &mut Frame<'_>, board: &Board, now: Instant, top: u16) -> u16 {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
    let width = usize::from(frame.area().width);
    frame.render_widget(Paragraph::new(heads(board, now, width)), head);
    let lines = bodies(board, now);
    let most = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_sub(body.height);
    let top = top.min(most);
    frame.render_widget(Paragraph::new(lines).scroll((top, 0)), body);
    let more = if top < most { "   ↓ more below" } else { "" };
    frame.render_widget(Paragraph::new(Line::styled(format!("q ends   ↑ ↓ moves{more}"), DIM)), foot);
    top
}

/// The same without a terminal.
pub(super) fn plain(board: &Board, now: Instant, width: usize) -> String {
    let lines = [heads(board, now, width), bodies(board, now)].concat();
    let text = |line: &Line<'_>| {
        let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
        format!("{}\n", text.trim_end())
    };
    lines.iter().map(text).collect()
}

/// The appliance, and whether it is heard.
fn heads(board: &Board, now: Instant, width: usize) -> Vec<Line<'static>> {
    let appliance = match &board.status {
        Some(status) => appliance(status, board),
        None => Line::styled("Uplink", HEAD),
    };
    let link = match board.silence(now) {
        None => Line::default(),
        Some((None, why)) => {
            Line::styled(padded(format!(" NOT CONNECTED: {why}; channels may be on air"), width), WRONG)
        }
        Some((Some(age), why)) => {
            let age = age.as_secs();
            Line::styled(padded(format!(" LAST KNOWN, {age} s old: {why}; channels may be on air"), width), WRONG)
        }
    };
    vec![appliance, link]
}

fn padded(text: String, width: usize) -> String {
    format!("{text:width$}")
}

fn appliance(status: &ApplianceStatus, board: &Board) -> Line<'static> {
    let (taken, room) = (status.capacity.taken.cores, status.capacity.room.cores);
    let up = duration(status.now.since(status.started_at).as_secs_f64());
    let AlarmCounts { critical, warning, unacknowledged, .. } = AlarmCounts::of(&board.alarms);
    let mut spans = vec![
        Span::styled(status.name.clone(), HEAD),
        Span::raw(format!("  Uplink {}, up {up}, {taken:.1} of {room:.1} cores planned", status.version)),
    ];
    if critical + warning + unacknowledged > 0 {
        let text = format!("{critical} critical, {warning} warning, {unacknowledged} not acknowledged");
        spans.extend([Span::raw("   "), Span::styled(text, if critical > 0 { WRONG } else { HEAD })]);
    }
    Line::from(spans)
}

/// Channels in the order of the configuration, then alarms.
fn bodies(board: &Board, now: Instant) -> Vec<Line<'static>> {
    let Some(status) = &board.status else { return Vec::new() };
    let fresh = board.silence(now).is_none();
    let mut lines: Vec<Line<'static>> =
        status.channels.iter().flat_map(|one| channel(one, board, status, fresh)).collect();
    if status.channels.is_empty() {
        lines.push(Line::raw("no channel is configured"));
    }
    lines.extend(board.alarms.iter().filter(|alarm| alarm.shelved.is_none()).map(alarm));
    if !fresh {
        lines = lines.into_iter().map(|line| Line::from(line.to_string()).style(DIM)).collect();
    }
    lines
}

fn channel(channel: &ChannelStatus, board: &Board, status: &ApplianceStatus, fresh: bool) -> Vec<Line<'static>> {
    let mut lines = vec![head(channel, status)];
    if channel.needs_attention() {
        lines.push(wrong(judged(&channel.health, status.now)));
    }
    if let Some(report) = &channel.report {
        let levels = board.meters.get(&channel.id).filter(|_| fresh && channel.on_air);
        lines.push(sound(report, levels));
        lines.push(pictures(report));
        lines.extend(destinations(channel, report, board, status));
    }
    lines.push(Line::default());
    lines
}

fn head(channel: &ChannelStatus, status: &ApplianceStatus) -> Line<'static> {
    let air = air(channel);
    let tally = match air {
        "ON AIR" => Style::new().bg(Color::Red).fg(Color::White).add_modifier(Modifier::BOLD),
        "SLATE" => Style::new().bg(Color::Yellow).fg(Color::Black).add_modifier(Modifier::BOLD),
        _ => DIM,
    };
    let since = channel.on_air_since.filter(|_| channel.on_air);
    let elapsed = since.map_or_else(String::new, |since| duration(status.now.since(since).as_secs_f64()));
    let mut spans = vec![
        Span::styled(format!(" {air:^7} "), tally),
        Span::styled(format!(" {:<16}", channel.id.as_str()), HEAD),
        Span::raw(format!(" {:<9} {:<8} {elapsed:>12}", word(&channel.state), health(channel.health.health))),
    ];
    if let Some(program) = channel.report.as_ref().map(|report| &report.program) {
        let next = program.preview.as_ref().map_or_else(String::new, |next| format!(", next {}", asked(next)));
        let (shown, order) = (shows(&program.showing), asked(&program.order));
        spans.push(Span::raw(format!("   shows {shown} (asked: {order}){next}")));
    }
    Line::from(spans)
}

fn wrong(text: String) -> Line<'static> {
    Line::from(vec![Span::raw("    "), Span::styled(format!("! {text}"), WRONG)])
}

/// Levels as they come; loudness of the main mix as it was last reported.
fn sound(report: &WorkerReport, levels: Option<&MeterReading>) -> Line<'static> {
    let mut text = "    sound ".to_owned();
    match levels {
        None => text.push_str(" no levels"),
        Some(levels) => {
            for (number, peak) in (1..).zip(&levels.peak_dbfs) {
                text.push_str(&format!(" {number} {} {peak:>6.1}", bar(*peak)));
            }
        }
    }
    let lufs = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let mix = report.program.loudness.first();
    let (momentary, short) = match levels {
        Some(levels) => (levels.momentary, levels.short_term),
        None => (None, None),
    };
    let integrated = lufs(mix.and_then(|mix| mix.integrated));
    text.push_str(&format!("   M {} S {} I {integrated} LUFS", lufs(momentary), lufs(short)));
    Line::from(text)
}

fn bar(peak: f32) -> String {
    let part = ((peak - FLOOR) / -FLOOR).clamp(0.0, 1.0);
    // A NaN is no level.
    let full = (part * CELLS as f32).round() as usize;
    "█".repeat(full) + &"░".repeat(CELLS.saturating_sub(full))
}

fn pictures(report: &WorkerReport) -> Line<'static> {
    let one = |one: &crate::model::status::RenditionStatus| {
        let slow = if one.health.health > Health::Healthy { " TOO SLOW" } else { "" };
        format!("{} {} of {}{slow}", one.id, one.measured, one.target)
    };
    let all: Vec<String> = report.renditions.iter().map(one).collect();
    Line::from(format!("    encodes  {}", all.join("   ")))
}

fn destinations(
    channel: &ChannelStatus,
    report: &WorkerReport,
    board: &Board,
    status: &ApplianceStatus,
) -> Vec<Line<'static>> {
    let good = report.destinations.iter().filter(|one| ok(&one.health)).count();
    let rate = |one: &DestinationStatus| {
        let rate = board.rate(&channel.id, &one.id);
        rate.map_or_else(|| one.id.to_string(), |rate| format!("{} {}", one.id, BitRate(rate as u64)))
    };
    let each: Vec<String> = report.destinations.iter().map(rate).collect();
    let sent = format!("    sent to  {good} of {}   {}", report.destinations.len(), each.join("   "));
    let mut lines = vec![Line::from(sent)];
    for one in report.destinations.iter().filter(|one| one.health.health > Health::Healthy) {
        let waiting = duration(one.queue_seconds);
        let judged = judged(&one.health, status.now);
        lines.push(wrong(format!("{}: {}, {waiting} waiting, {judged}", one.id, word(&one.state))));
    }
    lines
}

fn alarm(alarm: &Alarm) -> Line<'static> {
    let state = match (alarm.active, &alarm.acked) {
        (true, None) => "NEW",
        (true, Some(_)) => "known",
        (false, _) => "over",
    };
    let priority = alarm.priority.as_str().to_uppercase();
    let style = if alarm.active && alarm.acked.is_none() { WRONG } else { Style::new() };
    Line::styled(format!(" {priority:<8} {state:<5} {}: {}", alarm.id, alarm.reason), style)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::board::News;
    use super::*;
    use crate::api::tests::rig::{appliance, id};

    fn board(now: Instant) -> Board {
        let mut board = Board::default();
        board.take(News::Status(Box::new(appliance())), now);
        let levels = MeterReading { peak_dbfs: vec![-30.0, -120.0], momentary: Some(-22.8), short_term: Some(-23.1) };
        board.take(News::Meters([(id("demo"), levels)].into()), now);
        board
    }

    /// What a terminal of this size shows, and its cells that are inverse.
    fn drawn(board: &Board, now: Instant, size: (u16, u16), top: u16) -> (Vec<String>, String) {
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        terminal.draw(|frame| _ = draw(frame, board, now, top)).unwrap();
        let cells = terminal.backend().buffer().clone();
        let rows = cells.content().chunks(usize::from(size.0));
        let lines = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned());
        let inverse = cells.content().iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED));
        (lines.collect(), inverse.map(|cell| cell.symbol()).collect())
    }

    #[test]
    fn every_channel_says_what_is_on_air_and_what_is_wrong() {
        let now = Instant::now();
        let (lines, inverse) = drawn(&board(now), now, (160, 30), 0);
        let text = lines.join("\n");
        assert!(lines[0].starts_with("studio-box  Uplink 0.1.0, up "), "{text}");
        assert_eq!(lines[1], "", "{text}");
        for part in [
            "ON AIR   demo             running   healthy    1 h 10 min   shows cam-1 (asked: best source)",
            "1 ██████████░░░░░░░░░░  -30.0 2 ░░░░░░░░░░░░░░░░░░░░ -120.0   M -22.8 S -23.1 I - LUFS",
            "encodes  video-720p 2.91 Mbit/s of 3 Mbit/s",
            "sent to  1 of 1   origin-a",
            "SLATE   studio-b         slate     DEGRADED",
            "sent to  1 of 2",
            "! origin-b: interrupted, 44 s waiting, DEGRADED",
            "OFF AIR  late-show        idle      inactive",
        ] {
            assert!(text.contains(part), "no `{part}` in\n{text}");
        }
        assert!(inverse.contains("origin-b does not answer") && !inverse.contains("demo"), "{inverse}");
        assert!(lines[29].starts_with("q ends"), "{text}");
    }

    #[test]
    fn what_is_old_says_so_and_has_no_levels() {
        let now = Instant::now();
        let mut board = board(now);
        board.take(News::Away("connection refused".into()), now);
        let (lines, inverse) = drawn(&board, now + Duration::from_secs(14), (120, 30), 0);
        let text = lines.join("\n");
        assert!(lines[1].contains("LAST KNOWN, 14 s old: connection refused; channels may be on air"), "{text}");
        assert!(text.contains("no levels") && !text.contains('█'), "{text}");
        assert!(inverse.contains("LAST KNOWN") && !inverse.contains("origin-b"), "{inverse}");
        board.take(News::Beat, now + Duration::from_secs(15));
        let (lines, _) = drawn(&board, now + Duration::from_secs(15), (120, 30), 0);
        assert_eq!(lines[1], "", "{lines:?}");
    }

    #[test]
    fn before_the_first_word_it_says_why_there_is_none() {
        let (mut board, now) = (Board::default(), Instant::now());
        board.take(News::Away("connection refused".into()), now);
        let (lines, _) = drawn(&board, now, (80, 6), 0);
        assert!(lines[1].contains("NOT CONNECTED: connection refused"), "{lines:?}");
    }

    #[test]
    fn a_small_terminal_is_moved_over_it_and_not_beyond() {
        let now = Instant::now();
        let board = board(now);
        let (lines, _) = drawn(&board, now, (60, 6), 0);
        assert!(lines[2].contains("demo") && lines[5].contains("more below"), "{lines:?}");
        let (lines, _) = drawn(&board, now, (60, 6), u16::MAX);
        assert!(lines.join("\n").contains("late-show") && !lines[5].contains("more"), "{lines:?}");
        drawn(&board, now, (1, 1), 3);
    }

    #[test]
    fn without_a_terminal_it_is_the_same_text() {
        let now = Instant::now();
        let text = plain(&board(now), now, 120);
        assert!(text.contains("studio-b") && text.contains('█') && !text.contains('\x1b'), "{text}");
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
    }
}
