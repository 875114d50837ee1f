//! What handlers answer with, so that their types say it: JSON in one of its forms, pages of a list, files.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::access::Changed;
use super::openapi::{Answers, Sketch};
use super::problem::Problem;
use super::status::{known, tag_of};

const JSON: &[&str] = &["application/json"];

/// One sentence: what happened.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Said {
    text: String,
}

impl Said {
    pub(crate) fn so(text: String) -> Json<Self> {
        Json(Self { text })
    }
}

/// JSON with an entity tag; 304 if the client has it already.
pub(crate) struct Tagged<T> {
    response: Response,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize> Tagged<T> {
    pub(crate) fn new(headers: &HeaderMap, document: &T) -> Result<Self, Problem> {
        let body =
            serde_json::to_vec(document).map_err(|error| Problem::internal(format!("cannot write it: {error}")))?;
        Ok(Self::written(headers, &tag_of(&body), body.into()))
    }
}

impl<T> Tagged<T> {
    /// Of a document that was written before.
    pub(crate) fn written(headers: &HeaderMap, tag: &str, body: Bytes) -> Self {
        let response = known(headers, tag, || ([(header::CONTENT_TYPE, "application/json")], body));
        Self { response, of: PhantomData }
    }
}

impl<T> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<T: JsonSchema> Answers for Tagged<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        sketch.takes_header("If-None-Match", "the tag of what is known already");
        let schema = sketch.schemas().said::<T>();
        sketch.answers("200", "the document", JSON, &schema);
        sketch.answers_header("200", "ETag", "names this version");
        sketch.answers("304", "it is known already", &[], &json!(null));
    }
}

/// The same answer, with what has changed for the audit log; none if nothing has, because it was only asked.
pub(crate) struct Noted<T> {
    answer: T,
    changed: Option<Changed>,
}

impl<T> Noted<T> {
    pub(crate) fn new(answer: T, before: &impl Serialize, after: &impl Serialize) -> Self {
        Self { answer, changed: Some(Changed { before: json!(before), after: json!(after) }) }
    }

    /// What would change.
    pub(crate) fn only_asked(answer: T) -> Self {
        Self { answer, changed: None }
    }
}

impl<T: IntoResponse> IntoResponse for Noted<T> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        if let Some(changed) = self.changed {
            response.extensions_mut().insert(changed);
        }
        response
    }
}

impl<T: Answers> Answers for Noted<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        T::describe(sketch);
    }
}

/// It was taken up, and goes on.
pub(crate) struct Accepted<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> Answers for Accepted<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas().said::<T>();
        sketch.answers("202", "taken up; it goes on", JSON, &schema);
    }
}

/// A piece of a list that grows.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(crate) struct Page<T> {
    /// In order.
    items: Vec<T>,
    /// The place to go on from; none if there is no more.
    next_cursor: Option<String>,
}

/// Which piece of it.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
pub(crate) struct Wanted {
    /// Most items of the answer, 1 to 500; 100 if not given.
    pub(crate) limit: Option<usize>,
    /// `next_cursor` of the answer before.
    pub(crate) cursor: Option<String>,
}

/// Most items of an answer.
const MOST: usize = 500;

impl<T> Page<T> {
    /// Of items that somebody else has counted.
    pub(crate) fn new(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self { items, next_cursor }
    }
}

impl Wanted {
    /// Most items of the answer.
    pub(crate) fn most(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(100) {
            most @ 1..=MOST => Ok(most),
            _ => Err(Problem::malformed(format!("`limit` is 1 to {MOST}"))),
        }
    }

    /// The cursor as the place that it names; none if there is none.
    pub(crate) fn place<P: FromStr>(&self) -> Result<Option<P>, Problem> {
        let bad = |_| Problem::malformed("`cursor` is none that this address has given");
        self.cursor.as_deref().map(str::parse).transpose().map_err(bad)
    }

    /// What of `all` is wanted. `place` names an item and falls with the list's order, so that a page goes on where the last
    /// one ended although items came and went meanwhile.
    pub(crate) fn of<T, P: Display + FromStr + PartialOrd>(
        &self,
        all: Vec<T>,
        place: impl Fn(&T) -> P,
    ) -> Result<Page<T>, Problem> {
        let most = self.most()?;
        let mut items = all;
        if let Some(cursor) = self.place::<P>()? {
            items.retain(|item| place(item) < cursor);
        }
        let more = items.len() > most;
        items.truncate(most);
        let next_cursor = items.last().filter(|_| more).map(|item| place(item).to_string());
        Ok(Page { items, next_cursor })
    }

    /// The same as an answer from `path`, which has every other word of the query.
    pub(crate) fn linked<T, P: Display + FromStr + PartialOrd>(
        &self,
        path: &str,
        all: Vec<T>,
        place: impl Fn(&T) -> P,
    ) -> Result<Linked<T>, Problem> {
        Ok(Linked::new(self.of(all, place)?, &self.limited(path)))
    }

    /// `path` with the limit that was asked for.
    fn limited(&self, path: &str) -> String {
        let with = if path.contains('?') { '&' } else { '?' };
        self.limit.map_or_else(|| path.to_owned(), |limit| format!("{path}{with}limit={limit}"))
    }
}

/// A page with the address of the next one (RFC 8288).
pub(crate) struct Linked<T> {
    page: Page<T>,
    next: Option<HeaderValue>,
}

impl<T> Linked<T> {
    /// `path` is the address without `cursor`.
    pub(crate) fn new(page: Page<T>, path: &str) -> Self {
        let next = page.next(path);
        Self { page, next }
    }
}

impl<T> Page<T> {
    /// The `Link` to the next page of the list at `path`, where there is one.
    fn next(&self, path: &str) -> Option<HeaderValue> {
        let with = if path.contains('?') { '&' } else { '?' };
        let cursor: String = url::form_urlencoded::byte_serialize(self.next_cursor.as_ref()?.as_bytes()).collect();
        HeaderValue::try_from(format!("<{path}{with}cursor={cursor}>; rel=\"next\"")).ok()
    }
}

impl<T: Serialize> IntoResponse for Linked<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.page).into_response();
        response.headers_mut().extend(self.next.map(|next| (header::LINK, next)));
        response
    }
}

impl<T: JsonSchema> Answers for Linked<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas().said::<Page<T>>();
        sketch.answers("200", "a page of the list", JSON, &schema);
        sketch.answers_header("200", "Link", NEXT);
    }
}

const NEXT: &str = "the next page, where there is one";

/// A page with more about the whole list beside it, and an entity tag.
pub(crate) struct TaggedPage<T> {
    document: Tagged<T>,
    next: Option<HeaderValue>,
}

impl<T: Serialize> TaggedPage<T> {
    /// `document` holds `page` of the list at `path`.
    pub(crate) fn new<I>(
        headers: &HeaderMap,
        (path, wanted): (&str, &Wanted),
        page: Page<I>,
        document: impl FnOnce(Page<I>) -> T,
    ) -> Result<Self, Problem> {
        let next = page.next(&wanted.limited(path));
        Ok(Self { document: Tagged::new(headers, &document(page))?, next })
    }
}

impl<T> IntoResponse for TaggedPage<T> {
    fn into_response(self) -> Response {
        let mut response = self.document.into_response();
        response.headers_mut().extend(self.next.map(|next| (header::LINK, next)));
        response
    }
}

impl<T: JsonSchema> Answers for TaggedPage<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        Tagged::<T>::describe(sketch);
        sketch.answers_header("200", "Link", NEXT);
    }
}

/// An answer that is no JSON.
pub(crate) struct Media<K> {
    response: Response,
    kind: PhantomData<fn() -> K>,
}

/// What it can be.
pub(crate) trait Kinds {
    /// Content types.
    const KINDS: &'static [&'static str];
    /// Statuses of success, with what they mean.
    const STATUSES: &'static [(&'static str, &'static str)] = &[("200", "as asked")];
    /// Types that are inside of it and in no other answer.
    fn inside(_: &mut Sketch<'_>) {}
}

impl<K> From<Response> for Media<K> {
    fn from(response: Response) -> Self {
        Self { response, kind: PhantomData }
    }
}

impl<K> IntoResponse for Media<K> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<K: Kinds> Answers for Media<K> {
    fn describe(sketch: &mut Sketch<'_>) {
        for (status, about) in K::STATUSES {
            let kinds = if *status == "304" { &[][..] } else { K::KINDS };
            sketch.answers(status, about, kinds, &json!(true));
        }
        K::inside(sketch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_on_where_the_last_one_ended() {
        let page = |limit, cursor: Option<&str>, all: Vec<u32>| {
            let wanted = Wanted { limit, cursor: cursor.map(str::to_owned) };
            wanted.of(all, |item| *item)
        };
        let first = page(Some(2), None, vec![9, 7, 5]).unwrap();
        assert_eq!((first.items, first.next_cursor.as_deref()), (vec![9, 7], Some("7")));
        let second = page(Some(2), Some("7"), vec![11, 9, 7, 5]).unwrap();
        assert_eq!((second.items, second.next_cursor), (vec![5], None), "what came first meanwhile moves nothing");
        assert!(page(Some(0), None, vec![1]).is_err());
        assert!(page(Some(501), None, vec![1]).is_err());
        assert!(page(None, Some("seven"), vec![1]).is_err(), "no page is empty because its cursor is wrong");
    }

    #[test]
    fn the_next_page_is_linked() {
        let page = Page { items: vec![1], next_cursor: Some("a b".to_owned()) };
        let response = Linked::new(page, "/x?channel=demo").into_response();
        assert_eq!(response.headers()["link"], "</x?channel=demo&cursor=a+b>; rel=\"next\"");
        let wanted = Wanted { limit: Some(1), cursor: None };
        let response = wanted.linked("/x", vec![3, 2], |item| *item).unwrap().into_response();
        assert_eq!(response.headers()["link"], "</x?limit=1&cursor=3>; rel=\"next\"");
    }
}
