//! Control surfaces: what their keys show, ready to paint, and how displays and OSC stand (`packaging/doc/surfaces.md`).

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Tagged;
use super::openapi::Routes;
use super::problem::Problem;
use super::routes::Api;
use super::sheet::{Labels, Sheet};
use crate::surface::{Button, OscCounts, SurfacesStatus, TslStatus, button_named, buttons};

/// The routes of this file.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/surfaces", "How tally displays and OSC stand", status)
        .get("/api/v1/surfaces/buttons", "What the keys of control surfaces show, ready to paint", list)
        .get("/api/v1/surfaces/buttons/{id}", "One key", one)
}

/// What `GET /api/v1/surfaces/buttons` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ButtonList {
    /// By channel in the order of the configuration; what is for all of a channel comes before its sources.
    items: Vec<Button>,
}

/// `GET /api/v1/surfaces`.
async fn status(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<SurfacesStatus>, Problem> {
    Tagged::new(&headers, &api.surfaces.status())
}

/// `GET /api/v1/surfaces/buttons`.
async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<ButtonList>, Problem> {
    let status = api.handle.status().borrow().clone();
    Tagged::new(&headers, &ButtonList { items: buttons(&status) })
}

/// `GET /api/v1/surfaces/buttons/{id}`.
async fn one(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Result<Tagged<Button>, Problem> {
    let status = api.handle.status().borrow().clone();
    match button_named(&status, &id) {
        Some(button) => Tagged::new(&headers, &button),
        None => Err(Problem::unknown_button(&id)),
    }
}

/// By name, as configured.
pub(super) fn measure(sheet: &mut Sheet, api: &Api) {
    let SurfacesStatus { tsl, osc } = api.surfaces.status();
    let of = |one: &TslStatus| -> Labels { vec![("receiver", one.name.clone())] };
    let sent = tsl.iter().map(|one| (of(one), one.packets));
    sheet.counter("surface_tsl_packets", "Packets sent to tally displays", sent);
    let failed = tsl.iter().map(|one| (of(one), one.failures));
    sheet.counter("surface_tsl_failures", "Times that nothing could be sent to tally displays", failed);
    let results = |OscCounts { done, refused, strangers, noise }| {
        [("done", done), ("refused", refused), ("stranger", strangers), ("noise", noise)]
    };
    let heard = osc.into_iter().flat_map(|osc| results(osc.heard));
    let heard = heard.map(|(result, count)| (vec![("result", result.to_owned())], count));
    sheet.counter("surface_osc_messages", "What came in by OSC", heard);
}
