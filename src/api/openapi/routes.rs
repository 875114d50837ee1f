//! Building the table of routes: what is served and what is described are one list.

use std::convert::Infallible;
use std::sync::Arc;

use axum::handler::Handler;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};

use super::super::routes::Api;
use super::accept;
use super::document::{Contract, Operation};
use super::speaks::{Sketch, Speaks};

/// Routes, and what they mean.
pub(crate) struct Routes {
    router: Router<Api>,
    operations: Vec<Operation>,
}

/// One method each: path, one sentence, handler. A handler's type says all the rest.
macro_rules! methods {
    ($($name:ident $filter:ident $word:literal,)*) => {
        $(pub(crate) fn $name<H, T, D>(self, path: &'static str, summary: &'static str, handler: H) -> Self
        where
            H: Handler<T, Api> + Speaks<D>,
            T: 'static,
        {
            self.add(MethodFilter::$filter, $word, path, summary, handler)
        })*
    };
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), operations: Vec::new() }
    }

    methods! {
        get GET "get",
        post POST "post",
        put PUT "put",
        patch PATCH "patch",
        delete DELETE "delete",
    }

    fn add<H, T, D>(
        mut self,
        filter: MethodFilter,
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Api> + Speaks<D>,
        T: 'static,
    {
        let describe: fn(&mut Sketch<'_>) = <H as Speaks<D>>::describe;
        let named = std::any::type_name::<H>();
        self.operations.push(Operation { method, path, summary, handler: named, describe, takes: &[] });
        let kinds = accept::Kinds::of(describe);
        let served: MethodRouter<Api, Infallible> = on(filter, handler);
        Self {
            router: self.router.route(path, served.layer(middleware::from_fn_with_state(kinds, accept::check))),
            ..self
        }
    }

    /// The body of the last route is of one of these kinds.
    pub(crate) fn takes(mut self, kinds: &'static [&'static str]) -> Self {
        if let Some(last) = self.operations.last_mut() {
            last.takes = kinds;
        }
        self
    }

    /// These as well.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.operations.extend(other.operations);
        Self { router: self.router.merge(other.router), operations: self.operations }
    }

    /// Pages and their files: for people, and in no contract.
    pub(crate) fn pages(self, pages: Router<Api>) -> Self {
        Self { router: self.router.merge(pages), ..self }
    }

    /// What is promised.
    pub(crate) fn contract(self) -> Contract {
        Contract::new(self.operations)
    }

    /// What is served; who asks for the contract gets it.
    pub(crate) fn router(self) -> Router<Api> {
        let contract = Arc::new(Contract::new(self.operations));
        self.router.layer(Extension(contract))
    }
}
