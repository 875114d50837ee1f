//! The reference as a page, written here: it needs no script, no other host, and shows the document that is served.

use std::sync::Arc;

use axum::Extension;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::super::panel::served;
use super::document::Contract;

/// `GET /api/`.
pub(crate) async fn page(Extension(contract): Extension<Arc<Contract>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (kind, contract.document().page.clone()).into_response()
}

/// `GET /api/reference.css`.
pub(crate) async fn style() -> Response {
    served("text/css; charset=utf-8", include_str!("../../../web-ui/reference/reference.css"))
}

/// The whole page.
pub(super) fn rendered(document: &Value) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Uplink: API reference</title>\
         <link rel=\"stylesheet\" href=\"/api/reference.css\"></head><body><main><h1>Uplink: API v1</h1>",
    );
    page.push_str(&format!("<p>{}</p>", escaped(text(&document["info"]["description"]))));
    page.push_str("<p>The same for machines: <a href=\"/api/v1/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>");
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            operation_of(&mut page, path, method, operation);
        }
    }
    page.push_str("<h2 id=\"types\">Types</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        page.push_str(&format!("<section id=\"{0}\"><h3>{0}</h3>", escaped(name)));
        shape(&mut page, schema);
        page.push_str("</section>");
    }
    page.push_str("</main></body></html>\n");
    page
}

fn operation_of(page: &mut String, path: &str, method: &str, operation: &Value) {
    let id = escaped(text(&operation["operationId"]));
    page.push_str(&format!(
        "<section id=\"{id}\"><h2><span class=\"method\">{}</span> <code>{}</code></h2><p>{}</p><p>{}</p>",
        escaped(&method.to_uppercase()),
        escaped(path),
        escaped(text(&operation["summary"])),
        escaped(text(&operation["description"]))
    ));
    let mut rows = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = format!("{} <small>{}</small>", escaped(text(&parameter["name"])), escaped(text(&parameter["in"])));
        rows.push((name, kind(&parameter["schema"]), escaped(text(&parameter["description"]))));
    }
    for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let about = escaped(text(&operation["requestBody"]["description"]));
        rows.push((format!("body <small>{}</small>", escaped(media)), kind(&content["schema"]), about));
    }
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let about = escaped(text(&answer["description"]));
        let kinds = answer["content"].as_object().into_iter().flatten();
        let kinds: Vec<String> = kinds
            .map(|(media, content)| match kind(&content["schema"]) {
                plain if plain == "any" => escaped(media),
                named => named,
            })
            .collect();
        rows.push((format!("<b>{}</b>", escaped(status)), kinds.join(" or "), about));
    }
    table(page, &rows);
    page.push_str("</section>");
}

/// What a schema says, one row for each of its properties.
fn shape(page: &mut String, schema: &Value) {
    page.push_str(&format!("<p>{}</p>", escaped(text(&schema["description"]))));
    let alternatives = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    let mut rows = properties(schema);
    for one in alternatives {
        match one["properties"].is_object() {
            true => {
                rows.push((String::from("<i>or</i>"), String::new(), escaped(text(&one["description"]))));
                rows.extend(properties(one));
            }
            false => rows.push((String::new(), kind(one), escaped(text(&one["description"])))),
        }
    }
    if rows.is_empty() {
        page.push_str(&format!("<p>{}</p>", kind(schema)));
    }
    table(page, &rows);
}

type Row = (String, String, String);

fn properties(schema: &Value) -> Vec<Row> {
    let required = schema["required"].as_array();
    let properties = schema["properties"].as_object().into_iter().flatten().map(|(name, property)| {
        let needed = required.is_some_and(|list| list.iter().any(|one| one == name));
        let mark = if needed { "" } else { " <small>may be missing</small>" };
        (format!("<code>{}</code>{mark}", escaped(name)), kind(property), escaped(text(&property["description"])))
    });
    properties.collect()
}

fn table(page: &mut String, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    page.push_str("<table>");
    for (name, kind, about) in rows {
        page.push_str(&format!("<tr><td>{name}</td><td>{kind}</td><td>{about}</td></tr>"));
    }
    page.push_str("</table>");
}

/// The type of a value in a few words, with links.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escaped(name));
    }
    if let Some(constant) = schema.get("const") {
        return format!("<code>{}</code>", escaped(&constant.to_string()));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(all) = schema[key].as_array() {
            return all.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("<code>{}</code>", escaped(&word.to_string())))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) => escaped(name),
        Value::Array(names) => names.iter().map(|name| escaped(text(name))).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
